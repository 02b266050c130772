/** How a connection ended. */
export interface SocketEnd {
  /** Close code of RFC 6455; 1006 when it broke or was never made. */
  readonly code: number;
  readonly reason: string;
  /** The platform's own error, where it tells one. */
  readonly cause?: unknown;
}

export interface SocketOptions {
  readonly url: URL;
  /** Of the handshake. @throws `invalid_argument` for any in browsers, which cannot send them */
  readonly headers: Readonly<Record<string, string>>;
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  /** Called once, whether it was open before or not. */
  readonly onEnd: (end: SocketEnd) => void;
}

/** One WebSocket connection with JSON in text frames, as the platform does it. */
export interface Socket {
  /** Bytes that were handed over and have not left yet. */
  readonly bufferedAmount: number;
  send(text: string): void;
  /** Whether messages are read; browsers read always. */
  setReading(isReading: boolean): void;
  /** Whether the connection keeps the program alive; pages live on their own. */
  setHolding(isHolding: boolean): void;
  /** Ends it at once. */
  close(): void;
}

/** The sub-protocol that is offered: JSON in text frames. */
export const subProtocol = 'json';
