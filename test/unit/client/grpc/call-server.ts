import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { Client, type ClientOptions } from '../../../../client/index.ts';
import { type DataRequestMessage, decodeDataRequest, encodeDataRequest, messageType } from '../../../../proto/index.ts';

/** One stream as it came in. */
export interface ReceivedStream {
  readonly metadata: Metadata;
  readonly requests: DataRequestMessage[];
  /** Fulfils when the client has cancelled or ended it, with which of both. */
  readonly left: Promise<'cancelled' | 'ended'>;
  /** Answers with these bytes, whatever they are. */
  answer(bytes: Uint8Array): void;
  /** Ends it with a status. */
  fail(code: number, details: string, metadata?: Metadata): void;
  end(): void;
}

export type StreamAnswer = (request: DataRequestMessage, stream: ReceivedStream) => void;

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** A gRPC server that serves what a test tells it to and remembers what it was asked. */
export class CallServer {
  readonly streams: ReceivedStream[] = [];
  answer: StreamAnswer;
  private readonly server = new Server({ 'grpc.max_receive_message_length': 2 ** 26 });
  private waiting: { count: number; resolve: () => void }[] = [];
  private address = '';

  private constructor(answer: StreamAnswer) {
    this.answer = answer;
    const bytes = (message: Buffer): Buffer => message;
    const codec = {
      ...{ requestSerialize: bytes, requestDeserialize: bytes },
      ...{ responseSerialize: bytes, responseDeserialize: bytes },
    };
    this.server.addService(
      { Call: { path: '/jina.JinaRPC/Call', requestStream: true, responseStream: true, ...codec } },
      { Call: (stream: Stream) => this.receive(stream) },
    );
    const status = messageType('jina.StatusProto');
    this.server.addService(
      {
        dry_run: { path: '/jina.JinaGatewayDryRunRPC/dry_run', requestStream: false, responseStream: false, ...codec },
      },
      {
        dry_run: (_call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
          reply(null, Buffer.from(status.encode({ code: 1, description: 'not yet' }).finish())),
      },
    );
  }

  static async start(answer: StreamAnswer = echo, port = 0): Promise<CallServer> {
    const server = new CallServer(answer);
    await new Promise<void>((resolve, reject) => {
      server.server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        server.address = `127.0.0.1:${bound}`;
        if (error === null) resolve();
        else reject(error);
      });
    });
    return server;
  }

  get url(): string {
    return `grpc://${this.address}`;
  }

  /** Requests of all streams. */
  get requests(): DataRequestMessage[] {
    return this.streams.flatMap(({ requests }) => requests);
  }

  /** Fulfils when `count` requests have come. */
  async received(count: number): Promise<void> {
    if (this.requests.length >= count) return;
    await new Promise<void>((resolve) => {
      this.waiting.push({ count, resolve });
    });
  }

  /** Cuts every connection. */
  stop(): void {
    this.server.forceShutdown();
  }

  private receive(stream: Stream): void {
    const requests: DataRequestMessage[] = [];
    const received: ReceivedStream = {
      metadata: stream.metadata,
      requests,
      left: new Promise((resolve) => {
        // A stream that is cancelled ends as well.
        stream.once('close', () => resolve(stream.cancelled ? 'cancelled' : 'ended'));
      }),
      answer: (bytes) => void stream.write(Buffer.from(bytes)),
      fail: (code, details, metadata) => void stream.emit('error', { code, details, metadata }),
      end: () => stream.end(),
    };
    this.streams.push(received);
    stream.on('error', () => undefined);
    stream.on('end', () => stream.end());
    stream.on('data', (bytes: Buffer) => {
      const request = decodeDataRequest(bytes);
      requests.push(request);
      for (const waiter of this.waiting) if (this.requests.length >= waiter.count) waiter.resolve();
      this.waiting = this.waiting.filter((waiter) => this.requests.length < waiter.count);
      this.answer(request, received);
    });
  }
}

/** Answers with what came. */
export function echo(request: DataRequestMessage, stream: ReceivedStream): void {
  stream.answer(encodeDataRequest(request));
}

/** Answers nothing, ever. */
export const silence: StreamAnswer = () => undefined;

/** Runs `use` with a server and a client of it, and leaves neither behind. */
export async function withCallServer(
  answer: StreamAnswer,
  use: (client: Client, server: CallServer) => Promise<void>,
  options: Partial<ClientOptions> = {},
): Promise<void> {
  const server = await CallServer.start(answer);
  const client = new Client({ host: server.url, ...options });
  try {
    await use(client, server);
  } finally {
    await client.close();
    server.stop();
  }
}
