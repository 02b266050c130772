import { type Document, type DocumentInput, FlowError, type JsonObject } from '../core/index.ts';
import { type Connection, probe } from './connection.ts';
import type { AnyEndpoint, CallArguments, EndpointName, EndpointTypes, ParametersOf } from './endpoint-map.ts';
import type { Inputs } from './inputs.ts';
import {
  type CallOptions,
  checkOptions,
  type ClientOptions,
  defaultPrefetch,
  type PostOptions,
  type RequestOptions,
} from './options.ts';
import { openPost } from './post.ts';
import { cancellable, PostResult } from './post-result.ts';
import { type Profile, profileOf } from './profile.ts';
import { openStream } from './stream.ts';
import { openTransport } from './open-transport.ts';
import { traceOf } from './trace.ts';

/** What a post takes after the endpoint's name. */
export type PostArguments<Endpoints, Name extends keyof Endpoints> = CallArguments<
  Inputs,
  PostOptions<ParametersOf<Endpoints, Name>>,
  ParametersOf<Endpoints, Name>
>;

/** What a stream takes after the endpoint's name. */
export type StreamArguments<Endpoints, Name extends keyof Endpoints> = CallArguments<
  DocumentInput,
  RequestOptions<ParametersOf<Endpoints, Name>>,
  ParametersOf<Endpoints, Name>
>;

/** The same for an endpoint that the map may not have; then nothing fits. */
type ShortcutArguments<Endpoints, Name extends string> = Name extends keyof Endpoints
  ? PostArguments<Endpoints, Name>
  : [endpointIsNotInTheFlow: never];

/**
 * A client of one gateway; one is enough for a program. `Endpoints` is what `sluice types` writes for a flow: it names
 * the endpoints and types their parameters; without it every endpoint may be called.
 */
export class Client<Endpoints extends { [Name in keyof Endpoints]: EndpointTypes } = AnyEndpoint> {
  private readonly connection: Connection;
  private readonly closing = new AbortController();

  /** Connects to nothing yet. @throws `invalid_argument` for an option that makes no sense */
  constructor(options: ClientOptions) {
    checkOptions(options);
    this.connection = {
      transport: openTransport(options),
      timeoutMs: options.timeoutMs,
      prefetch: options.prefetch ?? defaultPrefetch,
      closing: this.closing.signal,
    };
  }

  /** Sends documents to an endpoint; nothing is sent before the result is awaited or iterated. */
  post<Name extends EndpointName<Endpoints>>(endpoint: Name, ...rest: PostArguments<Endpoints, Name>): PostResult;
  post(endpoint: string, inputs?: Inputs, options: PostOptions<object> = {}): PostResult {
    return this.start(endpoint, inputs, options);
  }

  /**
   * Calls a streaming endpoint with one document; documents come while the executor makes them, and it waits while
   * nobody reads. Nothing is sent before the first is asked for; leaving the loop cancels the request.
   */
  stream<Name extends EndpointName<Endpoints>>(
    endpoint: Name,
    ...rest: StreamArguments<Endpoints, Name>
  ): AsyncIterableIterator<Document, void>;
  stream(
    endpoint: string,
    input: DocumentInput = {},
    options: RequestOptions<object> = {},
  ): AsyncIterableIterator<Document, void> {
    checkOptions(options);
    const run = new AbortController();
    const documents = openStream(this.connection, endpoint, input, options, traceOf(options.traceparent), run);
    return cancellable(documents, () => run.abort(new FlowError('cancelled', 'the stream is not read any more')));
  }

  /** `post('/index', ...)`. */
  index(...rest: ShortcutArguments<Endpoints, '/index'>): PostResult;
  index(inputs?: Inputs, options?: PostOptions<object>): PostResult {
    return this.start('/index', inputs, options);
  }

  /** `post('/search', ...)`. */
  search(...rest: ShortcutArguments<Endpoints, '/search'>): PostResult;
  search(inputs?: Inputs, options?: PostOptions<object>): PostResult {
    return this.start('/search', inputs, options);
  }

  /** `post('/update', ...)`. */
  update(...rest: ShortcutArguments<Endpoints, '/update'>): PostResult;
  update(inputs?: Inputs, options?: PostOptions<object>): PostResult {
    return this.start('/update', inputs, options);
  }

  /** `post('/delete', ...)`. */
  delete(...rest: ShortcutArguments<Endpoints, '/delete'>): PostResult;
  delete(inputs?: Inputs, options?: PostOptions<object>): PostResult {
    return this.start('/delete', inputs, options);
  }

  /**
   * Where the time of one request goes: sends a document with this text to `/`, which every flow takes, and lays the
   * gateway's and the executors' times beside the roundtrip. The first request of a client also pays for connecting.
   *
   * @throws as a post does
   */
  async profile(content = '', options: RequestOptions = {}): Promise<Profile> {
    const startMs = performance.now();
    const { value: response } = await this.start('/', content, options).responses().next();
    if (response === undefined) throw new FlowError('internal', 'a post of one text had no answer; this is a bug');
    return profileOf(response, performance.now() - startMs);
  }

  /** What the gateway says about itself. @throws FlowError when it cannot be reached; waits 5 s unless told otherwise */
  status(options: CallOptions = {}): Promise<JsonObject> {
    return probe(this.connection, options, (limits) => this.connection.transport.status(limits));
  }

  /** Whether the gateway is there and every executor is ready; false for any failure, after 5 s at the latest. */
  async isReady(options: CallOptions = {}): Promise<boolean> {
    try {
      return await probe(this.connection, options, (limits) => this.connection.transport.isReady(limits));
    } catch (error) {
      // A gateway that cannot be asked is not ready; anything but a fault of ours ends here.
      if (FlowError.from(error).reason === 'invalid_argument') throw error;
      return false;
    }
  }

  /** Closes connections; whatever is still running fails with `cancelled`. */
  async close(): Promise<void> {
    this.closing.abort(new FlowError('cancelled', 'the client was closed'));
    await this.connection.transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private start(endpoint: string, inputs: Inputs, options: PostOptions<object> = {}): PostResult {
    checkOptions(options);
    const trace = traceOf(options.traceparent);
    const isCollected = options.onDone === undefined && options.onAlways === undefined;
    return new PostResult(() => openPost(this.connection, endpoint, inputs, options, trace), isCollected);
  }
}
