/** One HTTP request. */
export interface ExchangeRequest {
  readonly method: 'GET' | 'POST';
  /** From the root of the server. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Status and headers of an answer. */
export interface ExchangeHead {
  readonly status: number;
  /** The header's value; undefined where it is missing. */
  header(name: string): string | undefined;
}

/** A whole answer. */
export interface ExchangeAnswer extends ExchangeHead {
  readonly text: string;
}

/** An answer whose body is still coming; ending the iteration early closes the connection. */
export interface OpenAnswer extends ExchangeHead {
  readonly body: AsyncIterable<Uint8Array>;
}

/** HTTP as the platform does it. Failures are the platform's own errors; the transport makes FlowErrors of them. */
export interface Exchange {
  call(request: ExchangeRequest): Promise<ExchangeAnswer>;
  open(request: ExchangeRequest): Promise<OpenAnswer>;
  /** Closes all connections; requests in flight fail. */
  close(): Promise<void>;
}
