import type { Document, DocumentArray, JsonObject } from '../core/index.ts';
import type { Compression } from './options.ts';
import type { ClientResponse } from './response.ts';
import type { TraceHeaders } from './trace.ts';

/** One request as every transport sends it. */
export interface ClientRequest {
  /** 32 hexadecimal digits. */
  readonly requestId: string;
  readonly endpoint: string;
  readonly targetExecutor?: string;
  readonly parameters: JsonObject;
  readonly docs: DocumentArray;
  /** Larger is more urgent; 0 by default. */
  readonly priority: number;
  readonly trace: TraceHeaders;
}

/** How long one call may take. */
export interface CallLimits {
  /** Aborts with a FlowError as its reason: cancelled, or the time is over. */
  readonly signal: AbortSignal;
  /** Monotonic ms, told to the gateway; Infinity when the caller set no time limit. */
  readonly deadline: number;
  /** Aborts at the end of the post that the request is part of: requests of one post share it, and may share a stream. */
  readonly run?: AbortSignal;
}

/** What every transport is made of. */
export interface TransportOptions {
  /** Address of the gateway. */
  readonly url: URL;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression?: Compression | undefined;
}

/** How requests get to a gateway; one for each protocol. After its signal aborts, a call leaves nothing running. */
export interface Transport {
  /**
   * Sends one request. A fault that the gateway reports is `error` of the response.
   *
   * @throws FlowError when no answer came (`connection_failed`, the signal's reason) or it makes no sense (`protocol_error`).
   */
  send(request: ClientRequest, limits: CallLimits): Promise<ClientResponse>;
  /** Documents of a streaming endpoint as they are made; ends by throwing when the endpoint fails. */
  stream(request: ClientRequest, limits: CallLimits): AsyncGenerator<Document, void>;
  /** What the gateway says about itself. */
  status(limits: CallLimits): Promise<JsonObject>;
  /** Whether every executor is ready; throws when the gateway cannot be reached. */
  isReady(limits: CallLimits): Promise<boolean>;
  /** Closes connections; what is in flight fails. */
  close(): Promise<void>;
}
