import { type Document, FlowError, isObject, type JsonObject, monotonicMs } from '../../core/index.ts';
import { connectionError } from '../connection-error.ts';
import { abortError } from '../deadline.ts';
import type { ClientResponse } from '../response.ts';
import type { CallLimits, ClientRequest, Transport, TransportOptions } from '../transport.ts';
import {
  answerType,
  documentFromEvent,
  errorFromEvent,
  isAnswer,
  parseJson,
  requestToBody,
  responseFromJson,
  streamType,
} from '../codec.ts';
import { readEvents } from './event-stream.ts';
import type { Exchange, ExchangeAnswer, ExchangeRequest, OpenAnswer } from './exchange.ts';
import { createExchange } from './exchange-node.ts';
import { httpDetails, httpError } from './status.ts';

/** A path of the address is put before every path of ours. */
export interface HttpTransportOptions extends TransportOptions {
  /** How HTTP is done; default: as fast as the platform can. */
  readonly createExchange?: (origin: string) => Exchange;
}

/** Requests over HTTP/1.1: POST /post for answers, server-sent events for streams. */
export class HttpTransport implements Transport {
  private readonly url: URL;
  private readonly prefix: string;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly exchange: Exchange;

  constructor(options: HttpTransportOptions) {
    this.url = options.url;
    this.prefix = options.url.pathname.replace(/\/+$/, '');
    this.headers = lowerCased(options.headers);
    this.exchange = (options.createExchange ?? createExchange)(options.url.origin);
  }

  async send(request: ClientRequest, limits: CallLimits): Promise<ClientResponse> {
    const answer = await this.call(this.post('/post', answerType, request, limits));
    const json = parseJson(answer.text);
    if (!isAnswer(json)) throw httpError(answer, this.target('POST', '/post'));
    const response = responseFromJson(json, request.requestId);
    const isFault = answer.status < 200 || answer.status >= 300;
    if (!isFault) return response;
    if (response.error === undefined) throw httpError(answer, this.target('POST', '/post'));
    return { ...response, error: withDetails(response.error, httpDetails(answer)) };
  }

  async *stream(request: ClientRequest, limits: CallLimits): AsyncGenerator<Document, void> {
    const path = request.endpoint.startsWith('/') ? request.endpoint : `/${request.endpoint}`;
    const answer = await this.open(this.post(path, streamType, request, limits));
    try {
      if (!(answer.header('content-type') ?? '').startsWith('text/event-stream')) {
        throw await this.refusal(answer, path);
      }
      for await (const event of readEvents(answer.body)) {
        if (event.name === 'update') yield documentFromEvent(event.data);
        else if (event.name === 'error') throw errorFromEvent(event.data);
      }
    } catch (error) {
      throw limits.signal.aborted ? abortError(limits.signal) : connectionError(error, this.url);
    }
  }

  async status(limits: CallLimits): Promise<JsonObject> {
    const answer = await this.call(this.get('/status', limits));
    const json = parseJson(answer.text);
    if (answer.status !== 200 || !isObject(json)) throw httpError(answer, this.target('GET', '/status'));
    return json as JsonObject;
  }

  async isReady(limits: CallLimits): Promise<boolean> {
    const answer = await this.call(this.get('/health/ready', limits));
    return answer.status === 200;
  }

  close(): Promise<void> {
    return this.exchange.close();
  }

  private async call(request: ExchangeRequest): Promise<ExchangeAnswer> {
    try {
      return await this.exchange.call(request);
    } catch (error) {
      throw request.signal.aborted ? abortError(request.signal) : connectionError(error, this.url);
    }
  }

  private async open(request: ExchangeRequest): Promise<OpenAnswer> {
    try {
      return await this.exchange.open(request);
    } catch (error) {
      throw request.signal.aborted ? abortError(request.signal) : connectionError(error, this.url);
    }
  }

  /** Why a stream was not given: the gateway's error, or what came instead. */
  private async refusal(answer: OpenAnswer, path: string): Promise<FlowError> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of answer.body) text += decoder.decode(chunk, { stream: true });
    const json = parseJson(text);
    const response = isAnswer(json) ? responseFromJson(json, '') : undefined;
    if (response?.error !== undefined) return withDetails(response.error, httpDetails(answer));
    if (response !== undefined && answer.status === 200) {
      return new FlowError('streaming_endpoint', `${path} answers once, not with a stream: call it with post`);
    }
    // A gateway serves each streaming endpoint at a path of its own.
    if (answer.status === 404 && isObject(json) && json['detail'] === 'Not Found') {
      return new FlowError('unknown_endpoint', `no executor binds a streaming endpoint ${path}`, {
        details: httpDetails(answer),
      });
    }
    return httpError({ ...answer, text }, this.target('POST', path), 'server-sent events');
  }

  private get(path: string, { signal }: CallLimits): ExchangeRequest {
    return {
      method: 'GET',
      path: this.prefix + path,
      headers: { ...this.headers, accept: 'application/json' },
      signal,
    };
  }

  private post(path: string, accept: string, request: ClientRequest, limits: CallLimits): ExchangeRequest {
    const headers: Record<string, string> = {
      ...this.headers,
      ...request.trace,
      'content-type': 'application/json',
      accept,
    };
    if (request.priority !== 0) headers['x-sluice-priority'] = String(request.priority);
    if (limits.deadline !== Infinity) {
      headers['x-sluice-timeout'] = String(Math.max(1, Math.ceil(limits.deadline - monotonicMs())));
    }
    return { method: 'POST', path: this.prefix + path, headers, body: requestToBody(request), signal: limits.signal };
  }

  private target(method: string, path: string): string {
    return `${method} ${this.url.origin}${this.prefix}${path}`;
  }
}

function withDetails(error: FlowError, details: JsonObject): FlowError {
  return new FlowError(error.reason, error.message, {
    details: { ...error.details, ...details },
    ...(error.exception === undefined ? {} : { exception: error.exception }),
  });
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
