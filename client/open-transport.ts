import { FlowError } from '../core/index.ts';
import { HttpTransport } from './http/transport.ts';
import { type ClientOptions, parseHost } from './options.ts';
import type { Transport, TransportOptions } from './transport.ts';

/** The transport for the scheme of `host`. @throws `invalid_argument` for what it cannot do */
export function openTransport({ host, headers = {}, compression }: ClientOptions): Transport {
  const { url, protocol } = parseHost(host);
  if (compression !== undefined && protocol !== 'grpc') {
    throw new FlowError(
      'invalid_argument',
      `compression: expected a host of grpc:// or grpcs://, got ${url.protocol}//`,
    );
  }
  const options: TransportOptions = { url, headers, compression };
  switch (protocol) {
    case 'http':
      return new HttpTransport(options);
    case 'grpc':
      return new LazyTransport(async () => new (await import('./grpc/transport.ts')).GrpcTransport(options));
    case 'websocket':
      return new LazyTransport(async () => new (await import('./websocket/transport.ts')).WebSocketTransport(options));
  }
}

/** A transport that is loaded when it is first used: its library takes a while, and browsers have none. */
class LazyTransport implements Transport {
  private readonly load: () => Promise<Transport>;
  private loading: Promise<Transport> | undefined;

  constructor(load: () => Promise<Transport>) {
    this.load = load;
  }

  async send(...call: Parameters<Transport['send']>): ReturnType<Transport['send']> {
    return (await this.open()).send(...call);
  }

  async *stream(...call: Parameters<Transport['stream']>): ReturnType<Transport['stream']> {
    yield* (await this.open()).stream(...call);
  }

  async status(...call: Parameters<Transport['status']>): ReturnType<Transport['status']> {
    return (await this.open()).status(...call);
  }

  async isReady(...call: Parameters<Transport['isReady']>): ReturnType<Transport['isReady']> {
    return (await this.open()).isReady(...call);
  }

  async close(): Promise<void> {
    // What was never loaded, or could not be, has nothing to close.
    const transport = await this.loading?.catch(() => undefined);
    await transport?.close();
  }

  private open(): Promise<Transport> {
    this.loading ??= this.load();
    return this.loading;
  }
}
