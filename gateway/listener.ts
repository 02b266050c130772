import net from 'node:net';
import tls from 'node:tls';
import { FlowError } from '../core/index.ts';

/** What a connection speaks, as far as its first bytes tell. */
export type Wire = 'http1' | 'http2';

/** Who takes a connection over, by what it speaks; a connection that nobody takes is refused. */
export type WireHandlers = Partial<Record<Wire, (socket: net.Socket) => void>>;

export interface ListenerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly handlers: WireHandlers;
  /** A connection that says nothing for so long is closed; default 10 s. */
  readonly peekTimeoutMs?: number;
}

const defaultPeekTimeoutMs = 10_000;
/** No method of HTTP/1 begins so. */
const http2Start = Buffer.from('PRI');

/**
 * SETTINGS without values, then GOAWAY with HTTP_1_1_REQUIRED: tells an HTTP/2 client why it is refused.
 * https://www.rfc-editor.org/rfc/rfc9113#section-7
 */
const http2Refusal = Buffer.from('000000040000000000' + '000008070000000000' + '00000000' + '0000000d', 'hex');

/** One address that the gateway listens on. The first bytes of a connection decide which protocol gets it. */
export class Listener {
  readonly #server: net.Server;
  readonly #handlers: WireHandlers;
  readonly #peekTimeoutMs: number;
  readonly #sockets = new Set<net.Socket>();
  readonly #peeking = new Set<net.Socket>();

  private constructor(options: ListenerOptions) {
    this.#handlers = options.handlers;
    this.#peekTimeoutMs = options.peekTimeoutMs ?? defaultPeekTimeoutMs;
    // As Node's own HTTP server sets its sockets.
    const settings = { allowHalfOpen: true, noDelay: true };
    if (options.tls === undefined) {
      this.#server = net.createServer(settings, (socket) => this.#meet(socket));
      return;
    }
    const secure: tls.TlsOptions = {
      ...settings,
      ...options.tls,
      handshakeTimeout: this.#peekTimeoutMs,
      ALPNCallback: ({ protocols }) => this.#choose(protocols),
    };
    this.#server = tls.createServer(secure, (socket) => this.#meet(socket));
    this.#server.on('connection', (socket: net.Socket) => this.#track(socket));
    this.#server.on('tlsClientError', (_error: Error, socket: tls.TLSSocket) => socket.destroy());
  }

  /** @throws `port_in_use` when somebody else listens there. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    await listener.#listen(options.host, options.port);
    return listener;
  }

  /** The port in force. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Takes no new connection and ends those that are open; those not gone after `graceMs` are cut. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#peeking) socket.destroy();
    for (const socket of this.#sockets) socket.destroySoon();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  async #listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      this.#server.listen({ host, port }, resolve);
    });
  }

  #track(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // Once a protocol has the socket it hears errors itself; before, a broken connection just goes away.
    socket.on('error', ignore);
  }

  #meet(socket: net.Socket): void {
    this.#track(socket);
    const agreed = socket instanceof tls.TLSSocket ? socket.alpnProtocol : undefined;
    if (agreed === 'h2') this.#handOver(socket, 'http2');
    else if (agreed === 'http/1.1') this.#handOver(socket, 'http1');
    else this.#peek(socket);
  }

  #peek(socket: net.Socket): void {
    let seen: Buffer | undefined;
    const forget = (): void => {
      socket.setTimeout(0).off('readable', look).off('timeout', giveUp).off('end', giveUp).off('close', forget);
      this.#peeking.delete(socket);
    };
    const giveUp = (): void => {
      socket.destroy();
    };
    const look = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
      const wire = wireOf(seen);
      if (wire === undefined) return;
      forget();
      socket.unshift(seen);
      this.#handOver(socket, wire);
    };
    this.#peeking.add(socket);
    socket.setTimeout(this.#peekTimeoutMs);
    socket.on('readable', look).once('timeout', giveUp).once('end', giveUp).once('close', forget);
  }

  #handOver(socket: net.Socket, wire: Wire): void {
    const handler = this.#handlers[wire];
    if (handler !== undefined) handler(socket);
    else if (wire === 'http2') socket.end(http2Refusal, () => socket.destroy());
    else socket.destroy();
  }

  /** HTTP/1.1 whenever it is offered, HTTP/2 only when it is offered alone, as gRPC clients do. */
  #choose(offered: readonly string[]): string | undefined {
    if (offered.includes('http/1.1') && this.#handlers.http1 !== undefined) return 'http/1.1';
    return offered.includes('h2') && this.#handlers.http2 !== undefined ? 'h2' : undefined;
  }
}

/** Undefined while too little was seen. */
function wireOf(seen: Buffer): Wire | undefined {
  const length = Math.min(seen.length, http2Start.length);
  if (seen.compare(http2Start, 0, length, 0, length) !== 0) return 'http1';
  return length === http2Start.length ? 'http2' : undefined;
}

function ignore(): void {
  // See the caller.
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): FlowError {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    const advice = 'stop the other program, or choose another port in the flow file (0 takes any free one)';
    return new FlowError('port_in_use', `something else listens on ${place}; ${advice}`, { details: { port } });
  }
  if (error.code === 'EACCES') {
    const advice = 'ports below 1024 need a privilege; choose a higher one in the flow file';
    return new FlowError('connection_failed', `this user may not listen on ${place}; ${advice}`, { cause: error });
  }
  return FlowError.from(error, 'connection_failed', `cannot listen on ${place}`);
}
