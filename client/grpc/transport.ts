import { type ChannelOptions, Client, compressionAlgorithms, credentials, Metadata } from '@grpc/grpc-js';
import { type Document, FlowError, type JsonObject } from '../../core/index.ts';
import { messageType } from '../../proto/index.ts';
import { placeOf } from '../connection-error.ts';
import { abortError } from '../deadline.ts';
import type { Compression } from '../options.ts';
import type { ClientResponse } from '../response.ts';
import type { CallLimits, ClientRequest, Transport, TransportOptions } from '../transport.ts';
import { CallStream } from './call-stream.ts';
import { documentFromBytes, requestToBytes, responseFromMessage, streamRequestToBytes } from './codec.ts';
import { callError } from './status.ts';

/** Larger requests get a stream of their own: one over the gateway's limit then ends nobody else's. */
const sharedBytes = 2 ** 20;

const compressions: Readonly<Record<Compression, compressionAlgorithms>> = {
  deflate: compressionAlgorithms.deflate,
  gzip: compressionAlgorithms.gzip,
};

/**
 * Requests over gRPC.
 *
 * The requests of one post share one `Call` stream: a message on an open stream costs the client 20 us where a call of
 * its own costs 130 to 170 (200 bytes, Node 20, 2 cores), and what would differ between calls, such as trace and
 * priority, is the same within a post. A post that is left or aborted ends its stream, and with it all its requests;
 * one that is late by its own limit was told so to the gateway. Posts share no stream, so that none ends another's.
 *
 * Nothing is sent twice: a stream that breaks fails what was on it, and `retries` of the post decide.
 */
export class GrpcTransport implements Transport {
  private readonly url: URL;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly client: Client;
  private readonly streams = new Map<AbortSignal, CallStream>();

  /** Connects to nothing yet. @throws `invalid_argument` for headers that gRPC cannot carry */
  constructor({ url, headers, compression }: TransportOptions) {
    this.url = url;
    this.headers = headers;
    const isSecure = url.protocol === 'grpcs:';
    const options: ChannelOptions = {
      // The gateway bounds what it takes; what it answers is as large as it must be.
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': -1,
      // A gateway that restarts is found again soon, instead of after up to two minutes.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      // Clients of one program do not share connections: closing one must not concern another.
      'grpc.use_local_subchannel_pool': 1,
      ...(compression === undefined ? {} : { 'grpc.default_compression_algorithm': compressions[compression] }),
    };
    this.client = new Client(placeOf(url), isSecure ? credentials.createSsl() : credentials.createInsecure(), options);
    this.metadata({});
  }

  async send(request: ClientRequest, { signal, deadline, run = signal }: CallLimits): Promise<ClientResponse> {
    const bytes = requestToBytes(request, deadline);
    const life = bytes.length > sharedBytes ? signal : run;
    const stream = this.streamOf(life, request);
    try {
      const message = await stream.exchange(request.requestId, bytes, signal);
      return responseFromMessage(message, request.requestId);
    } finally {
      if (life === signal) stream.close();
    }
  }

  async *stream(request: ClientRequest, { signal, deadline }: CallLimits): AsyncGenerator<Document, void> {
    const call = this.client.makeServerStreamRequest(
      '/jina.JinaSingleDocumentRequestRPC/stream_doc',
      asBuffer,
      asBytes,
      streamRequestToBytes(request, deadline),
      this.metadata(settingsOf(request)),
    );
    // The loop throws it too; one that comes after the loop was left is nobody's.
    call.on('error', () => undefined);
    const abort = (): void => call.cancel();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      for await (const bytes of call) yield documentFromBytes(bytes as Uint8Array);
    } catch (error) {
      throw signal.aborted ? abortError(signal) : callError(error, this.url);
    } finally {
      signal.removeEventListener('abort', abort);
      call.cancel();
    }
  }

  async status(limits: CallLimits): Promise<JsonObject> {
    const { jina = {}, envs = {} } = await this.probe('/jina.JinaInfoRPC/_status', 'jina.JinaInfoProto', limits);
    return { jina, envs };
  }

  async isReady(limits: CallLimits): Promise<boolean> {
    const { code = 0 } = await this.probe('/jina.JinaGatewayDryRunRPC/dry_run', 'jina.StatusProto', limits);
    return code === 0;
  }

  close(): Promise<void> {
    for (const stream of this.streams.values()) stream.close();
    this.client.close();
    return Promise.resolve();
  }

  /** The stream of a post, or of one request; it ends when `life` aborts. */
  private streamOf(life: AbortSignal, request: ClientRequest): CallStream {
    const known = this.streams.get(life);
    if (known !== undefined) return known;
    const metadata = this.metadata({ ...settingsOf(request), 'x-sluice-failures': 'answers' });
    const call = this.client.makeBidiStreamRequest('/jina.JinaRPC/Call', asBuffer, asBytes, metadata);
    const close = (): void => stream.close();
    const stream = new CallStream(
      call,
      (error) => callError(error, this.url),
      () => {
        life.removeEventListener('abort', close);
        if (this.streams.get(life) === stream) this.streams.delete(life);
      },
    );
    this.streams.set(life, stream);
    life.addEventListener('abort', close, { once: true });
    return stream;
  }

  /** A call without documents. */
  private probe(path: string, answer: string, { signal }: CallLimits): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(abortError(signal));
        return;
      }
      const abort = (): void => call.cancel();
      const type = messageType(answer);
      const read = (bytes: Buffer): JsonObject => type.toObject(type.decode(bytes));
      const empty = new Uint8Array();
      const call = this.client.makeUnaryRequest(path, asBuffer, read, empty, this.metadata({}), (error, message) => {
        signal.removeEventListener('abort', abort);
        if (error === null) resolve(message ?? {});
        else reject(signal.aborted ? abortError(signal) : callError(error, this.url));
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  private metadata(settings: Readonly<Record<string, string>>): Metadata {
    const metadata = new Metadata();
    try {
      for (const [key, value] of Object.entries({ ...this.headers, ...settings })) metadata.set(key, value);
    } catch (error) {
      throw FlowError.from(error, 'invalid_argument', 'headers: gRPC cannot carry them');
    }
    return metadata;
  }
}

function settingsOf({ trace, priority }: ClientRequest): Record<string, string> {
  return { ...trace, ...(priority === 0 ? {} : { 'x-sluice-priority': String(priority) }) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asBytes(bytes: Buffer): Uint8Array {
  return bytes;
}
