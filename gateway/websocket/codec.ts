import {
  type Document,
  FlowError,
  type FlowResponse,
  isObject,
  type Route,
  type TensorForm,
} from '../../core/index.ts';
import type { Carrier } from '../../observability/index.ts';
import { type DataRequestMessage, decodeDataRequest, encodeDataRequest } from '../../proto/index.ts';
import { documentsText } from '../document-text.ts';
import * as protobuf from '../grpc/codec.ts';
import type { Call } from '../handle.ts';
import { decodeCall, isoTime, parseBody, tensorForm } from '../http/codec.ts';
import { statusProto } from '../status-proto.ts';

/** What the frames of a connection carry: JSON in text frames, or a `DataRequestProto` in binary ones. */
export type Format = 'json' | 'bytes';

/** The sub-protocol that is spoken, of those that the client offers; undefined: JSON, and nothing is echoed. */
export function chooseProtocol(offered: ReadonlySet<string>): Format | undefined {
  if (offered.has('json')) return 'json';
  return offered.has('bytes') ? 'bytes' : undefined;
}

/** A message as it came. */
export interface Frame {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/** A text or the bytes of a binary frame. */
export type Outgoing = string | Uint8Array;

/** What a frame says. */
export type Received =
  /** No further request comes: what is pending is answered, then the server closes. */
  | { readonly type: 'end' }
  /** Nobody waits for the answer of this request any more. */
  | { readonly type: 'cancel'; readonly requestId: string }
  | { readonly type: 'request'; readonly request: Incoming };

/** The gateway's own route, monotonic ms. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A request whose id and form are known; its fields are not read yet. */
export interface Incoming {
  /** The id that the caller gave it, if any; its answers carry it. */
  readonly requestId: string | undefined;
  /** Whether it is JSON and has an id: whoever sent it reads messages about it. */
  readonly isNamed: boolean;
  /** @throws `invalid_argument` naming the field, what was expected and what came */
  call(): Call;
  answer(response: FlowResponse, span: Span): Outgoing;
  /** The answer to a request of which nothing came back but why. */
  failure(error: FlowError, freshId: string): Outgoing;
  /**
   * The message of one document, where the caller takes them one by one; it has no `routes`, so that it is told from the
   * last message, which is an answer.
   */
  readonly part: ((doc: Document, freshId: string) => Outgoing) | undefined;
}

/**
 * What a frame of a connection means.
 *
 * @param carrier headers of the handshake; what they say about time and priority holds for every request
 * @throws `malformed_json`, `invalid_argument` when it is no request at all, `unsupported_media_type` for a frame of the
 *   other kind
 */
export function readFrame(frame: Frame, format: Format, carrier: Carrier): Received {
  return format === 'json' ? readText(frame, carrier) : readBinary(frame, carrier);
}

function readText({ bytes, isBinary }: Frame, carrier: Carrier): Received {
  if (isBinary) throw wrongKind('text frames with JSON', 'a binary frame');
  const body = parseBody(bytes, {});
  if (!isObject(body)) {
    throw new FlowError('invalid_argument', 'expected a JSON object, got other JSON', { details: { loc: [] } });
  }
  const keys = Object.keys(body);
  if (keys.length === 0) return { type: 'end' };
  const cancelled = body['cancel'];
  if (keys.length === 1 && typeof cancelled === 'string') return { type: 'cancel', requestId: cancelled };
  return { type: 'request', request: new JsonRequest(body, carrier) };
}

function readBinary({ bytes, isBinary }: Frame, carrier: Carrier): Received {
  if (!isBinary) throw wrongKind('binary frames with a jina.DataRequestProto', 'a text frame');
  if (bytes.length === 1 && bytes[0] === 0) return { type: 'end' };
  if (bytes.length === 0) throw new FlowError('invalid_argument', 'expected a jina.DataRequestProto, got no bytes');
  return { type: 'request', request: new ProtobufRequest(decodeDataRequest(bytes), carrier) };
}

function wrongKind(expected: string, got: string): FlowError {
  return new FlowError('unsupported_media_type', `expected ${expected}, got ${got}`);
}

/** A request in Jina's JSON form. Its answers have snake_case keys, times in UTC and no key for what is missing. */
class JsonRequest implements Incoming {
  readonly requestId: string | undefined;
  readonly part: Incoming['part'];
  readonly #body: Record<string, unknown>;
  readonly #carrier: Carrier;
  readonly #endpoint: string;
  readonly #tensors: TensorForm;

  constructor(body: Record<string, unknown>, carrier: Carrier) {
    this.#body = body;
    this.#carrier = carrier;
    const header = isObject(body['header']) ? body['header'] : {};
    this.requestId = filledText(header['request_id']) ?? filledText(header['requestId']);
    const metadata = isObject(header['metadata']) ? header['metadata'] : {};
    const accept = filledText(metadata['accept']) ?? filledText(metadata['Accept']);
    const acceptsStream = this.isNamed && accept !== undefined && /\btext\/event-stream\b/i.test(accept);
    this.part = acceptsStream ? (doc, freshId) => this.#part(doc, freshId) : undefined;
    this.#tensors = tensorForm(accept);
    this.#endpoint = filledText(body['execEndpoint']) ?? filledText(body['exec_endpoint']) ?? '/';
  }

  get isNamed(): boolean {
    return this.requestId !== undefined;
  }

  call(): Call {
    return decodeCall(this.#body, this.#carrier, undefined);
  }

  answer({ requestId, endpoint, error, parameters, docs, routes }: FlowResponse, { startMs, endMs }: Span): string {
    // Who asks too much is told so; sending its documents back would only cost more.
    if (error?.code === 'resource_exhausted') return this.failure(error, requestId);
    // Clients divide by the gateway's time in whole milliseconds.
    const own: Route = { executor: 'gateway', startMs, endMs: Math.max(endMs, startMs + 1.001) };
    return (
      `{"header":${this.#header(requestId, endpoint, error)},"parameters":${JSON.stringify(parameters)},` +
      `"routes":[${[own, ...routes].map(routeText).join(',')}],"data":${documentsText(docs, this.#tensors)}}`
    );
  }

  failure(error: FlowError, freshId: string): string {
    return `{"header":${this.#header(freshId, this.#endpoint, error)},"parameters":{},"routes":[],"data":[]}`;
  }

  #part(doc: Document, freshId: string): string {
    const header = this.#header(freshId, this.#endpoint, undefined);
    return `{"header":${header},"data":${documentsText([doc], this.#tensors)}}`;
  }

  #header(freshId: string, endpoint: string, error: FlowError | undefined): string {
    const id = JSON.stringify(this.requestId ?? freshId);
    return `{"request_id":${id},${statusText(error)}"exec_endpoint":${JSON.stringify(endpoint)},"target_executor":""}`;
  }
}

/** A request in protobuf; the form and its answers are those of gRPC. */
class ProtobufRequest implements Incoming {
  readonly isNamed = false;
  readonly part = undefined;
  readonly #message: DataRequestMessage;
  readonly #carrier: Carrier;

  constructor(message: DataRequestMessage, carrier: Carrier) {
    this.#message = message;
    this.#carrier = carrier;
  }

  get requestId(): string | undefined {
    return filledText(this.#message.header?.request_id);
  }

  call(): Call {
    return protobuf.decodeCall(this.#message, this.#carrier, Infinity);
  }

  answer(response: FlowResponse, { startMs, endMs }: Span): Uint8Array {
    return encodeDataRequest(protobuf.encodeAnswer(this.#message, response, startMs, endMs));
  }

  failure(error: FlowError): Uint8Array {
    return encodeDataRequest(protobuf.encodeFailure(this.#message, error));
  }
}

function routeText({ executor, startMs, endMs, error }: Route): string {
  const end = endMs === undefined ? '' : `,"end_time":"${utcTime(endMs)}"`;
  const status = error === undefined ? '' : `,"status":${JSON.stringify(statusProto(error))}`;
  return `{"executor":${JSON.stringify(executor)},"start_time":"${utcTime(startMs)}"${end}${status}}`;
}

function statusText(error: FlowError | undefined): string {
  return error === undefined ? '' : `"status":${JSON.stringify(statusProto(error))},`;
}

function utcTime(monotonic: number): string {
  return isoTime(monotonic).replace('+00:00', 'Z');
}

function filledText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
