import type { Socket } from 'node:net';
import {
  type MethodDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { type Clock, FlowError } from '../../core/index.ts';
import type { GatewayPlan } from '../paths.ts';
import type { Carrier, Logger } from '../../observability/index.ts';
import { type DataRequestMessage, decodeDataRequest, encodeDataRequest } from '../../proto/index.ts';
import type { EndpointDirectory } from '../endpoints.ts';
import type { Exchange, RequestHandler } from '../handle.ts';
import { isExecutorFault } from '../status-proto.ts';
import { asBuffer, carrierOf, decodeCall, encodeAnswer, encodeFailure } from './codec.ts';
import { type DocumentMessages, documentStream, streamDocuments } from './document-stream.ts';
import { addProbes } from './probes.ts';
import { addReflection, reflectionServices } from './reflection.ts';
import { type Messages, serveStream } from './request-stream.ts';
import { endsStream, statusError } from './status.ts';

export interface GrpcServerParts {
  readonly plan: GatewayPlan;
  readonly handler: RequestHandler;
  readonly endpoints: EndpointDirectory;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

/** What serves gRPC on connections that the listener hands over. */
export interface GrpcServer {
  accept(socket: Socket): void;
  /** Tells clients to go elsewhere; calls in flight go on. */
  drain(graceMs: number): void;
  /** Fulfils when the connections that were drained have ended: their last answers are out then. */
  ended(graceMs: number): Promise<void>;
  close(): void;
}

/**
 * What reflection lists and health checks may name, beside the empty name for all; the same list as Jina's, which has
 * `JinaDataRequestRPC` although gateways do not serve it.
 */
const advertisedServices = [
  'jina.JinaDataRequestRPC',
  'jina.JinaDiscoverEndpointsRPC',
  'jina.JinaGatewayDryRunRPC',
  'jina.JinaInfoRPC',
  'jina.JinaRPC',
  'jina.JinaSingleDataRequestRPC',
  'jina.JinaSingleDocumentRequestRPC',
];

export function createGrpcServer(parts: GrpcServerParts): GrpcServer {
  const server = new Server({
    'grpc.max_receive_message_length': parts.plan.maxBodyBytes,
    'grpc.max_send_message_length': -1,
  });
  const calls = new JinaCalls(parts);
  const data = (path: string, isStream: boolean): MethodDefinition<Uint8Array, DataRequestMessage> => ({
    path,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: asBuffer((bytes: Uint8Array) => bytes),
    requestDeserialize: (bytes) => bytes,
    responseSerialize: asBuffer(encodeDataRequest),
    responseDeserialize: decodeDataRequest,
  });
  server.addService({ Call: data('/jina.JinaRPC/Call', true) }, { Call: (stream: Messages) => calls.stream(stream) });
  server.addService(
    { process_single_data: data('/jina.JinaSingleDataRequestRPC/process_single_data', false) },
    {
      process_single_data: (
        call: ServerUnaryCall<Uint8Array, DataRequestMessage>,
        reply: sendUnaryData<DataRequestMessage>,
      ) => void calls.single(call, reply),
    },
  );
  server.addService(
    { stream_doc: documentStream },
    { stream_doc: (stream: DocumentMessages) => void streamDocuments(parts, stream) },
  );
  addProbes(server, parts);
  addReflection(server, advertisedServices);
  const names = ['', ...reflectionServices, ...advertisedServices];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, 'SERVING'])));
  health.addToServer(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const open = new Set<Socket>();
  return {
    accept: (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      injector.injectConnection(socket);
    },
    drain: (graceMs) => {
      for (const name of names) health.setStatus(name, 'NOT_SERVING');
      injector.drain(graceMs);
    },
    ended: async (graceMs) => {
      const closed = Promise.all([...open].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
      await Promise.race([closed, late]);
      clearTimeout(timer);
    },
    close: () => {
      injector.destroy();
      server.forceShutdown();
    },
  };
}

/** The calls that carry documents. */
class JinaCalls {
  readonly #parts: GrpcServerParts;

  constructor(parts: GrpcServerParts) {
    this.#parts = parts;
  }

  stream(stream: Messages): void {
    const exchanges = new Set<Exchange>();
    const carrier = carrierOf(stream.metadata);
    // Our own client asks for it: then no failure of one request takes the others of the stream with it.
    const isTold = carrier['x-sluice-failures'] === 'answers';
    stream.on('cancelled', () => cancelAll(exchanges));
    const settings = {
      prefetch: readPrefetch(carrier['__prefetch__'], this.#parts.plan.prefetch),
      isOrdered: carrier['__results_in_order__'] === 'true',
    };
    serveStream(stream, settings, async (bytes) => {
      const outcome = await this.#run(bytes, carrier, stream.getDeadline(), exchanges);
      if (outcome.answer === undefined) {
        if (isTold) return encodeFailure(headerOf(bytes, outcome.error), outcome.error);
        throw statusError(outcome.error);
      }
      const { answer, error, hasOwnLimit } = outcome;
      if (error !== undefined && !isTold && endsStream(error, hasOwnLimit)) throw statusError(error);
      return answer;
    });
  }

  async single(
    call: ServerUnaryCall<Uint8Array, DataRequestMessage>,
    reply: sendUnaryData<DataRequestMessage>,
  ): Promise<void> {
    const exchanges = new Set<Exchange>();
    call.on('cancelled', () => cancelAll(exchanges));
    const outcome = await this.#run(call.request, carrierOf(call.metadata), call.getDeadline(), exchanges);
    const { answer, error } = outcome;
    if (outcome.answer === undefined) reply(statusError(outcome.error));
    // The executor's own failure is an answer, as on a stream; what kept the request from it is the call's status.
    else if (error === undefined || isExecutorFault(error)) reply(null, answer);
    else reply(statusError(error));
  }

  /** One request from its bytes to its answer; never rejects. */
  async #run(bytes: Uint8Array, carrier: Carrier, deadline: Date | number, exchanges: Set<Exchange>): Promise<Outcome> {
    const { handler, clock } = this.#parts;
    const startMs = clock.now();
    let exchange: Exchange | undefined;
    let message: DataRequestMessage | undefined;
    let hasOwnLimit = false;
    let error: FlowError | undefined;
    try {
      exchange = handler.accept({ protocol: 'grpc', startMs });
      exchanges.add(exchange);
      message = decodeDataRequest(bytes);
      exchange.hold(bytes.length);
      const call = decodeCall(message, carrier, Math.max(1, Number(deadline) - Date.now()));
      hasOwnLimit = call.timeoutMs !== undefined;
      const response = await exchange.run(call, [startMs, clock.now()]);
      error = response.error;
      const encodeMs = clock.now();
      const answer = encodeAnswer(message, response, startMs, encodeMs);
      exchange.phase('encode', encodeMs, clock.now());
      return { answer, error, hasOwnLimit };
    } catch (thrown) {
      error = FlowError.from(thrown);
      return { answer: message && encodeFailure(message, error), error, hasOwnLimit };
    } finally {
      if (error?.code === 'internal') this.#parts.logger?.error({ error }, 'a request failed');
      if (exchange !== undefined) {
        exchange.finish(error);
        exchanges.delete(exchange);
      }
    }
  }
}

/** The header of a request that was not taken in. @throws the error as a status when the bytes are no request */
function headerOf(bytes: Uint8Array, error: FlowError): DataRequestMessage {
  try {
    const { header = null } = decodeDataRequest(bytes);
    return { header };
  } catch {
    throw statusError(error);
  }
}

/** What became of one request. */
type Outcome =
  | { readonly answer: DataRequestMessage; readonly error: FlowError | undefined; readonly hasOwnLimit: boolean }
  /** It was not taken in, or its bytes are no request: there is no header to answer with. */
  | { readonly answer: undefined; readonly error: FlowError; readonly hasOwnLimit: boolean };

function cancelAll(exchanges: ReadonlySet<Exchange>): void {
  const error = new FlowError('cancelled', 'the caller cancelled the call before its answer');
  for (const exchange of exchanges) exchange.cancel(error);
}

/** Jina ignores what is no number; 0 means no limit. */
function readPrefetch(text: Carrier[string], fallback: number): number {
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) return fallback;
  return Number(text) === 0 ? Number.MAX_SAFE_INTEGER : Number(text);
}
