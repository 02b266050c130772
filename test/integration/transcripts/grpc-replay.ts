import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { withoutChance } from './comparison.ts';
import type { Replayed } from './http-replay.ts';
import { knowsEveryField, readMessage } from './messages.ts';
import type { GrpcExchange, GrpcMessage } from './transcript.ts';

interface Answer {
  readonly messages: readonly Buffer[];
  readonly code: string;
  readonly details: string;
  readonly trailing: readonly (readonly [string, string])[];
}

/** gRPC's own, and what a client says about itself. */
const transportKeys = new Set(['content-type', 'date', 'user-agent', 'grpc-status', 'grpc-message']);
const identity = (bytes: Buffer): Buffer => bytes;
const gzip = 2;

/** Makes the calls as they were made, with the very bytes of their messages. */
export async function replayGrpc(port: number, exchanges: readonly GrpcExchange[], name: string): Promise<Replayed[]> {
  const compression = name.endsWith('_compression') ? { 'grpc.default_compression_algorithm': gzip } : {};
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), compression);
  try {
    const replayed: Replayed[] = [];
    for (const exchange of exchanges) replayed.push(await replayOne(client, exchange));
    return replayed;
  } finally {
    client.close();
  }
}

async function replayOne(client: Client, exchange: GrpcExchange): Promise<Replayed> {
  const { code, details } = Array.isArray(exchange.status)
    ? { code: String(exchange.status[0]), details: String(exchange.status[1]) }
    : (exchange.status as { code: string; details: string });
  const answer = await call(client, exchange);
  const type = exchange.responses[0]?.type;
  const sent = exchange.requests.map((request) => Buffer.from(request.base64, 'base64').toString('latin1')).join();
  const theirs = exchange.responses.map((response) => theirMessage(response));
  const jina = {
    responses: inOrder(theirs, exchange),
    status: { code, details },
    trailing: asked(exchange.trailing_metadata ?? []),
  };
  const messages = answer.messages.map((bytes) => readMessage(type ?? typeOf(exchange.method), bytes));
  const sluice = {
    responses: inOrder(messages, exchange),
    status: { code: answer.code, details: answer.details },
    trailing: asked(answer.trailing),
  };
  return { jina: withoutChance(jina, sent), sluice: withoutChance(sluice, sent) };
}

function theirMessage({ type = '', base64 }: GrpcMessage): unknown {
  const bytes = Buffer.from(base64, 'base64');
  if (!knowsEveryField(type, bytes)) return { 'a field that Sluice does not know': base64 };
  return readMessage(type, bytes);
}

/** What comes as it is ready has no order of its own, unless a request was slow on purpose. */
function inOrder(messages: unknown[], { requests }: GrpcExchange): unknown[] {
  if (requests.some(({ base64 }) => Buffer.from(base64, 'base64').includes('/slow'))) return messages;
  const id = (message: unknown): string => String((message as { header?: { request_id?: string } }).header?.request_id);
  return messages.toSorted((one, other) => (id(one) < id(other) ? -1 : 1));
}

function typeOf(method: string): string {
  if (method.endsWith('/endpoint_discovery')) return 'jina.EndpointsProto';
  return method.endsWith('/stream_doc') ? 'jina.SingleDocumentRequestProto' : 'jina.DataRequestProto';
}

function asked(metadata: readonly (readonly [string, string])[]): object {
  return Object.fromEntries(metadata.filter(([key]) => !transportKeys.has(key)));
}

function call(client: Client, exchange: GrpcExchange): Promise<Answer> {
  const { method, requests } = exchange;
  const metadata = new Metadata();
  for (const [key, value] of [...(exchange.metadata ?? []), ...(exchange.request_metadata ?? [])]) {
    if (!transportKeys.has(key)) metadata.set(key, value);
  }
  const bytes = requests.map(({ base64 }) => Buffer.from(base64, 'base64'));
  const kind = exchange.kind ?? (method.endsWith('/Call') ? 'stream-stream' : 'unary-unary');
  return new Promise((resolve) => {
    const messages: Buffer[] = [];
    const end = (ended: { code: status; details: string; metadata: Metadata }): void => {
      const trailing = Object.entries(ended.metadata.getMap()).map(([key, value]) => [key, String(value)] as const);
      resolve({ messages, code: status[ended.code], details: ended.details, trailing });
    };
    if (kind === 'unary-unary') {
      const sent = bytes[0] ?? Buffer.alloc(0);
      const reply = (_error: ServiceError | null, answer?: Buffer): void => {
        if (answer !== undefined) messages.push(answer);
      };
      client.makeUnaryRequest(method, identity, identity, sent, metadata, reply).once('status', end);
      return;
    }
    const duplex =
      kind === 'unary-stream' ? undefined : client.makeBidiStreamRequest(method, identity, identity, metadata);
    const [first = Buffer.alloc(0)] = bytes;
    const stream = duplex ?? client.makeServerStreamRequest(method, identity, identity, first, metadata);
    stream.on('data', (answer: Buffer) => messages.push(answer));
    // The status says it.
    stream.on('error', () => undefined);
    stream.once('status', end);
    for (const message of bytes) duplex?.write(message);
    duplex?.end();
  });
}
