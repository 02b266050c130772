import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Clock, FlowError, type FlowResponse, newId } from '../../core/index.ts';
import type { Logger } from '../../observability/index.ts';
import { readBody } from '../body.ts';
import { createConnectionServer, declineUpgrade, refuseConnection } from '../connections.ts';
import { answerCors } from '../cors.ts';
import type { EndpointDirectory } from '../endpoints.ts';
import { sendEvents } from '../event-stream.ts';
import { type Exchange, type RequestHandler, startingError } from '../handle.ts';
import type { Site } from '../pages/site.ts';
import { buildPaths, type GatewayPlan, type Page, pagePaths, type PathTable, type Target } from '../paths.ts';
import { jsonHeaders, send, sendAndClose } from '../reply.ts';
import type { SocketServer } from '../websocket/server.ts';
import {
  type DecodedCall,
  decodeCall,
  decodeQuery,
  decodeStreamCall,
  encodeAnswer,
  encodeFailure,
  parseBody,
  tensorForm,
} from './codec.ts';
import { decodeEmbeddings, type EmbeddingsCall, encodeEmbeddings } from './embeddings.ts';
import { openAiFailure } from './openai-error.ts';
import { httpStatus, isValidationFault, retryAfterSeconds, validationBody } from './status.ts';
import { isExecutorFault, statusProto } from '../status-proto.ts';

export interface HttpServerParts {
  readonly plan: GatewayPlan;
  readonly handler: RequestHandler;
  readonly endpoints: EndpointDirectory;
  readonly site: Site;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  /** Takes over the connections whose clients ask for WebSocket; default: they are answered over HTTP. */
  readonly webSocket?: Pick<SocketServer, 'upgrade'> | undefined;
  /** Answers only the gateway's own pages; default false. */
  readonly servesPagesOnly?: boolean;
}

/** The HTTP side of the gateway; connections come from listeners. */
export interface HttpServer {
  accept(socket: Socket): void;
  /** Closes the connections that wait for nothing. */
  closeIdle(): void;
  close(): Promise<void>;
}

export async function createHttpServer(parts: HttpServerParts): Promise<HttpServer> {
  const dispatcher = new Dispatcher(parts);
  const dispatch = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    if (parts.plan.cors && answerCors(request.raw, reply.raw)) return;
    dispatcher.dispatch(request.raw, reply.raw);
  };
  const app = fastify({
    serverFactory: (listener) => createConnectionServer(listener, parts.plan.maxBodyBytes),
    exposeHeadRoutes: false,
    clientErrorHandler: refuseConnection,
    // A path that fastify does not like is none of ours.
    frameworkErrors: (_error, request, reply) => dispatch(request, reply),
  });
  // A request is taken over before fastify would choose a parser for its body and a route for its path: the dispatcher
  // knows whether anybody wants the body and how large it may be, and paths come and go while executors load.
  app.addHook('onRequest', dispatch);
  app.setNotFoundHandler(dispatch);
  app.all('*', dispatch);
  await app.ready();
  const { server } = app;
  const { webSocket } = parts;
  if (webSocket !== undefined) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.headers.upgrade?.toLowerCase() === 'websocket') webSocket.upgrade(request, socket, head);
      else declineUpgrade(server, request, socket, head);
    });
  }
  return {
    accept: (socket) => void server.emit('connection', socket),
    closeIdle: () => server.closeIdleConnections(),
    close: async () => {
      server.closeAllConnections();
      await app.close();
      // It never listened, but it has a timer.
      server.close();
    },
  };
}

/** One request while it is answered. */
interface Passage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: string;
  readonly path: string;
}

interface Understood {
  readonly call: DecodedCall;
  readonly decode: readonly [startMs: number, endMs: number];
}

class Dispatcher {
  readonly #parts: HttpServerParts;
  #paths: PathTable = new Map();
  #pathsOf: ReadonlyMap<string, unknown> | undefined;

  constructor(parts: HttpServerParts) {
    this.#parts = parts;
  }

  dispatch(request: IncomingMessage, response: ServerResponse): void {
    const { url = '/', method = 'GET' } = request;
    const end = url.indexOf('?');
    const path = decodePath(end < 0 ? url : url.slice(0, end));
    const passage = { request, response, url, path };
    const targets = this.#table().get(path)?.targets;
    const target = targets?.get(method) ?? (method === 'HEAD' ? pageOf(targets?.get('GET')) : undefined);
    if (target === undefined) void this.#refuse(passage, targets);
    else if (target.type === 'page') void this.#page(passage, target.page);
    else void this.#exchange(passage, method, target);
  }

  #table(): PathTable {
    const { endpoints, plan, servesPagesOnly } = this.#parts;
    if (this.#pathsOf !== endpoints.all) {
      this.#pathsOf = endpoints.all;
      this.#paths = servesPagesOnly === true ? pagePaths(plan) : buildPaths(plan, endpoints.all);
    }
    return this.#paths;
  }

  async #page({ request, response }: Passage, page: Page): Promise<void> {
    const { site, handler, logger } = this.#parts;
    try {
      const { status, headers, body } = await site.answer(
        page,
        this.#table(),
        handler.isDraining,
        request.headers.accept,
      );
      send(response, status, headers, body);
    } catch (error) {
      logger?.error({ error, page }, 'a page failed');
      sendAndClose(request, response, 500, jsonHeaders, detail('Internal Server Error'));
    }
  }

  /** No such path, or not with this method. */
  async #refuse(
    { request, response, url, path }: Passage,
    targets: ReadonlyMap<string, Target> | undefined,
  ): Promise<void> {
    if (targets !== undefined) {
      const allow = [...targets.keys()].join(', ');
      send(response, 405, { ...jsonHeaders, allow }, detail('Method Not Allowed'));
      return;
    }
    if (path.length > 1 && path.endsWith('/') && this.#table().has(path.slice(0, -1))) {
      const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
      const host = request.headers.host;
      const origin = host === undefined ? '' : `${'encrypted' in request.socket ? 'https' : 'http'}://${host}`;
      send(response, 307, { location: `${origin}${encodeURI(path.slice(0, -1))}${query}` });
      return;
    }
    const asset = request.method === 'GET' ? await this.#parts.site.asset(path, this.#table()) : undefined;
    if (asset !== undefined) send(response, asset.status, asset.headers, asset.body);
    else if (!this.#parts.endpoints.isComplete) {
      this.#fail({ request, response, url, path }, newId(), '', startingError());
    } else send(response, 404, jsonHeaders, detail('Not Found'));
  }

  async #exchange(passage: Passage, method: string, target: Exclude<Target, { type: 'page' }>): Promise<void> {
    const { handler, clock } = this.#parts;
    const { request, response } = passage;
    const named = target.type === 'post' ? undefined : target.endpoint;
    const fail = (requestId: string, error: FlowError, body?: unknown): void => {
      if (target.type === 'embeddings') this.#failEmbeddings(passage, requestId, error);
      else this.#fail(passage, requestId, named ?? '', error, body);
    };
    let exchange: Exchange;
    try {
      exchange = handler.accept({ protocol: 'http', method, startMs: clock.now() });
    } catch (error) {
      fail(newId(), FlowError.from(error));
      return;
    }
    let failure: FlowError | undefined;
    response.once('close', () => {
      if (!response.writableFinished) {
        failure ??= new FlowError('cancelled', 'the caller closed the connection before its answer');
        exchange.cancel(failure);
      }
      exchange.finish(failure);
    });
    let body: unknown;
    try {
      const bytes = await readBody(request, {
        maxBytes: this.#parts.plan.maxBodyBytes,
        hold: (count) => exchange.hold(count),
      });
      const startMs = clock.now();
      if (target.type === 'embeddings') {
        const embeddings = decodeEmbeddings(parseBody(bytes, request.headers), request.headers, target.plan);
        await this.#embeddings(passage, exchange, embeddings, [startMs, clock.now()]);
        return;
      }
      let call: DecodedCall;
      if (target.type === 'stream' && bytes.length === 0 && (method === 'GET' || passage.url.includes('?'))) {
        call = decodeQuery(new URLSearchParams(passage.url.split('?')[1]), request.headers, target.endpoint);
      } else {
        body = parseBody(bytes, request.headers);
        call =
          target.type === 'stream'
            ? decodeStreamCall(body, request.headers, target.endpoint)
            : decodeCall(body, request.headers, named);
      }
      const understood: Understood = { call, decode: [startMs, clock.now()] };
      if (target.type === 'stream') failure = await this.#stream(passage, exchange, understood);
      else failure = await this.#answer(passage, exchange, understood);
    } catch (error) {
      failure = FlowError.from(error);
      fail(exchange.requestId, failure, body);
    }
  }

  async #answer(
    { request, response }: Passage,
    exchange: Exchange,
    { call, decode }: Understood,
  ): Promise<FlowError | undefined> {
    const { clock } = this.#parts;
    const answer = await exchange.run(call, decode);
    if (response.destroyed) return answer.error;
    const startMs = clock.now();
    const text = encode(answer, exchange, startMs, request.headers.accept);
    exchange.phase('encode', startMs, clock.now());
    const { error } = answer;
    if (error === undefined) {
      send(response, 200, this.#headers(exchange.requestId), text);
      return undefined;
    }
    this.#log(error, exchange.requestId);
    const status = call.isFromJinaClient && isExecutorFault(error) ? 200 : httpStatus(error);
    send(response, status, { ...this.#headers(exchange.requestId), ...retryHeaders(error) }, text);
    return error;
  }

  async #stream(
    { request, response }: Passage,
    exchange: Exchange,
    { call, decode }: Understood,
  ): Promise<FlowError | undefined> {
    return sendEvents(response, exchange.stream(call, decode), {
      clock: this.#parts.clock,
      tensors: tensorForm(request.headers.accept),
      headers: { 'x-request-id': exchange.requestId },
      errorText: (error) => JSON.stringify(statusProto(error)),
    });
  }

  /** @throws FlowError when the flow failed, or gave no embeddings */
  async #embeddings(
    { response }: Passage,
    exchange: Exchange,
    call: EmbeddingsCall,
    decode: Understood['decode'],
  ): Promise<void> {
    const { clock } = this.#parts;
    const answer = await exchange.run(call, decode);
    if (answer.error !== undefined) throw answer.error;
    if (response.destroyed) return;
    const startMs = clock.now();
    const text = encodeEmbeddings(answer, call);
    exchange.phase('encode', startMs, clock.now());
    send(response, 200, this.#headers(exchange.requestId), text);
  }

  #failEmbeddings({ request, response }: Passage, requestId: string, error: FlowError): void {
    this.#log(error, requestId);
    const { status, headers, body } = openAiFailure(error);
    const all = { ...this.#headers(requestId), ...retryHeaders(error), ...headers };
    if (request.complete) send(response, status, all, body);
    else sendAndClose(request, response, status, all, body);
  }

  #headers(requestId: string): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = { 'content-type': 'application/json', 'x-request-id': requestId };
    if (this.#parts.handler.isDraining) headers['connection'] = 'close';
    return headers;
  }

  /** Answers a request that never reached the flow. */
  #fail({ request, response }: Passage, requestId: string, endpoint: string, error: FlowError, body?: unknown): void {
    this.#log(error, requestId);
    const headers = { ...this.#headers(requestId), ...retryHeaders(error) };
    const status = httpStatus(error);
    if (isValidationFault(error)) send(response, status, headers, JSON.stringify(validationBody(error, body)));
    else sendAndClose(request, response, status, headers, encodeFailure(requestId, endpoint, error));
  }

  #log(error: FlowError, requestId: string): void {
    if (error.code === 'internal') this.#parts.logger?.error({ error, request_id: requestId }, 'a request failed');
  }
}

function encode(answer: FlowResponse, exchange: Exchange, endMs: number, accept: string | undefined): string {
  const { error } = answer;
  // Who asks too much is told so; sending its documents back would only cost more.
  if (error?.code === 'resource_exhausted') return encodeFailure(exchange.requestId, answer.endpoint, error);
  return encodeAnswer(answer, exchange.arrival.startMs, endMs, tensorForm(accept));
}

function retryHeaders(error: FlowError): OutgoingHttpHeaders {
  const seconds = retryAfterSeconds(error);
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

function pageOf(target: Target | undefined): Target | undefined {
  return target?.type === 'page' ? target : undefined;
}

function detail(text: string): string {
  return JSON.stringify({ detail: text });
}

function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
