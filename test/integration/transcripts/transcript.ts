import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** One request over HTTP and its answer. */
export interface HttpExchange {
  readonly sent_at_ms?: number;
  readonly took_ms?: number;
  readonly request: {
    readonly line: string;
    readonly headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
    readonly body: string | { readonly text?: string };
  };
  readonly response: {
    readonly status?: number | null;
    readonly line: string;
    readonly headers: readonly (readonly [string, string])[];
    readonly json?: unknown;
    readonly body?: string | { readonly json?: unknown; readonly text?: string };
  };
}

export interface GrpcMessage {
  /** Missing where the bytes are no message. */
  readonly type?: string;
  readonly base64: string;
}

/** One call over gRPC. */
export interface GrpcExchange {
  readonly method: string;
  readonly kind?: string;
  readonly metadata?: readonly (readonly [string, string])[];
  readonly request_metadata?: readonly (readonly [string, string])[];
  readonly requests: readonly GrpcMessage[];
  readonly responses: readonly GrpcMessage[];
  readonly status: { readonly code: string; readonly details: string } | readonly [string, string];
  readonly trailing_metadata?: readonly (readonly [string, string])[];
}

export interface WebSocketFrame {
  readonly from?: 'client' | 'server';
  readonly opcode?: string;
  readonly text?: string;
  /** Of a text frame, whose text is missing where it is long. */
  readonly json?: unknown;
  readonly base64?: string;
  readonly code?: number;
  readonly reason?: string;
  /** What happened in place of a frame. */
  readonly event?: string;
  readonly body?: string;
  readonly message?: { readonly base64: string };
}

/** One connection over WebSocket. */
export interface WebSocketExchange {
  readonly handshake: {
    readonly request: {
      readonly line: string;
      readonly headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
    };
    readonly response: { readonly line: string; readonly headers: readonly (readonly [string, string])[] };
  };
  readonly frames?: readonly WebSocketFrame[];
  readonly client_frames?: readonly WebSocketFrame[];
  readonly server_frames?: readonly WebSocketFrame[];
}

type Exchange = HttpExchange | GrpcExchange | WebSocketExchange;

/** One file: what was sent to a running Jina 3.34 and what it answered. */
export interface Transcript {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly flow: string;
  readonly note: string;
  readonly exchanges: readonly Exchange[];
  /** The file as it is, for those that hold no exchange. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** Beside the checkout: the recordings are no part of it. */
const folder = fileURLToPath(new URL('../../../../shared/goldens/jina/v1/', import.meta.url));

/** Why there is nothing to replay; false when there is. */
export const missingTranscripts: string | false = existsSync(folder)
  ? false
  : `the recorded answers of Jina are not on this machine (looked in ${path.relative(process.cwd(), folder)})`;

/** Every transcript, by the name of its file. */
export function loadTranscripts(): Transcript[] {
  if (missingTranscripts !== false) return [];
  return readdirSync(folder).sort().map(load);
}

function load(file: string): Transcript {
  const text = readFileSync(path.join(folder, file), 'utf8');
  const name = path.parse(file).name;
  if (!file.endsWith('.json')) return { name, flow: 'chain', note: '', exchanges: [], content: { text } };
  const content = JSON.parse(text) as Record<string, unknown>;
  const { flow, note, exchanges, wire } = content;
  const own = 'request' in content || 'handshake' in content || 'method' in content ? [content] : [];
  return {
    name,
    flow: String(flow).split(' ')[0] ?? '',
    note: typeof note === 'string' ? note : '',
    exchanges: (exchanges ?? wire ?? own) as Exchange[],
    content,
  };
}
