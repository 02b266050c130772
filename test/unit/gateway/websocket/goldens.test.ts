import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { isObject } from '../../../../core/index.ts';
import { decodeDataRequest } from '../../../../proto/index.ts';
import { SocketClient } from '../../../fixtures/socket-client.ts';
import { encoder } from '../golden-executors.ts';
import { runGateway, type RunningGateway } from '../running-gateway.ts';

interface GoldenFrame {
  readonly from: 'client' | 'server';
  readonly opcode?: 'text' | 'binary' | 'close';
  readonly text?: string;
  readonly json?: unknown;
  readonly base64?: string;
  readonly code?: number;
  readonly event?: string;
}

/** One connection to the real Jina, frame by frame. */
interface Golden {
  readonly handshake: { readonly request: { readonly line: string; readonly headers: Record<string, string> } };
  readonly frames: readonly GoldenFrame[];
}

const folder = fileURLToPath(new URL('../../../../../shared/goldens/jina/v1/', import.meta.url));
const missing = existsSync(folder) ? false : 'the recorded answers of Jina are not on this machine';
const files = missing === false ? readdirSync(folder).filter((file) => /^ws_(?!port_|unknown_path)/.test(file)) : [];

/** Where we answer otherwise on purpose: what the last frame of the server is, and why. */
const differences: Readonly<Record<string, readonly [last: string | number, why: string]>> = {
  ws_bytes_empty_frame: [1007, 'a connection is closed with a reason'],
  ws_bytes_garbage: [1007, 'a connection is closed with a reason'],
  ws_bytes_text_frame: [1003, 'a connection is closed with a reason'],
  ws_json_binary_frame: [1003, 'a connection is closed with a reason'],
  ws_json_malformed: [1007, 'a connection is closed with a reason'],
  ws_json_wrong_types: [1007, 'a connection is closed with a reason'],
  ws_json_list_frame: [1007, 'a list is not silently ignored'],
  ws_json_missing_data: ['"data":[]', 'no data means no documents, as over HTTP'],
  ws_bytes_unknown_endpoint: ['unknown_endpoint', 'an endpoint that nobody binds is an error, not silence'],
  ws_json_unknown_endpoint: ['unknown_endpoint', 'an endpoint that nobody binds is an error, not silence'],
  ws_json_target_executor: ['unknown_target', 'a target that matches nobody is an error, not silence'],
};

describe('WebSocket gateway beside the recorded connections of Jina', { skip: missing }, () => {
  let running: RunningGateway;
  before(async () => {
    running = await runGateway({ executors: [encoder], plan: { listeners: [{ port: 0, protocols: ['websocket'] }] } });
  });
  after(() => running.gateway.stop());

  for (const file of files) {
    const name = file.replace('.json', '');
    const difference = differences[name];
    it(`answers ${name} ${difference === undefined ? 'alike' : `with ${difference.join(': ')}`}`, async () => {
      const golden = JSON.parse(readFileSync(folder + file, 'utf8')) as Golden;
      const client = await open(running.url, golden);
      if (difference === undefined) await replay(client, golden);
      else await replayDifferently(client, golden, difference[0]);
      client.socket.terminate();
    });
  }
});

/** Offers what was offered; a sub-protocol that is none of ours would make the client refuse the answer. */
function open(url: string, { handshake: { request } }: Golden): Promise<SocketClient> {
  const offered = (request.headers['Sec-WebSocket-Protocol'] ?? '').split(/,\s*/).filter(Boolean);
  const known = offered.filter((protocol) => protocol === 'json' || protocol === 'bytes');
  return SocketClient.open(url + (request.line.split(' ')[1] ?? ''), known);
}

async function replay(client: SocketClient, { frames }: Golden): Promise<void> {
  for (const frame of frames) {
    if (frame.from === 'client') send(client, frame);
    else if (frame.opcode === 'close') assert.equal((await client.closed).code, frame.code);
    else if (frame.opcode !== undefined) compare(await client.next(), frame);
  }
}

/** The frames of the client; the last message of the server holds a text, or it closes with a code. */
async function replayDifferently(client: SocketClient, { frames }: Golden, last: string | number): Promise<void> {
  for (const frame of frames.filter(({ from, opcode }) => from === 'client' && opcode !== 'close')) send(client, frame);
  if (typeof last === 'string') assert.ok(String((await client.next()).bytes).includes(last));
  else {
    const { code, reason } = await client.closed;
    assert.equal(code, last);
    assert.match(reason, /expected|JSON/);
  }
}

function send({ socket }: SocketClient, { opcode, text, base64 = '' }: GoldenFrame): void {
  if (opcode === 'close') socket.close(1000);
  else socket.send(opcode === 'text' ? (text ?? '') : Buffer.from(base64, 'base64'));
}

function compare({ bytes, isBinary }: { bytes: Buffer; isBinary: boolean }, golden: GoldenFrame): void {
  assert.equal(isBinary, golden.opcode === 'binary');
  const theirs = golden.opcode === 'binary' ? decoded(Buffer.from(golden.base64 ?? '', 'base64')) : golden.json;
  const ours = isBinary ? decoded(bytes) : (JSON.parse(String(bytes)) as unknown);
  assert.deepEqual(shape(ours), shape(theirs), 'keys and their order');
  assert.deepEqual(comparable(ours), comparable(theirs));
}

function decoded(bytes: Buffer): unknown {
  return JSON.parse(JSON.stringify(decodeDataRequest(bytes)));
}

/** Values that differ from run to run in place of themselves, so that a missing or malformed one is seen. */
function comparable(value: unknown, key = ''): unknown {
  if (key === 'start_time' || key === 'end_time') {
    return typeof value === 'string' ? value.replaceAll(/\d/g, '0') : Object.keys(value ?? {});
  }
  if (Array.isArray(value)) return value.map((item) => comparable(item));
  if (isObject(value)) {
    const entries = Object.entries(value).filter(([name, item]) => name !== 'stacks' && !isEmpty(name, item));
    return Object.fromEntries(entries.map(([name, item]) => [name, comparable(item, name)]));
  }
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value) ? '<id>' : value;
}

/** Structs that hold nothing are sent or left out: that is the same to their readers. */
function isEmpty(name: string, value: unknown): boolean {
  return name === 'parameters' && JSON.stringify(value) === '{}';
}

/** The keys of an object in their order, down to those of documents; what users chose has no order of its own. */
function shape(value: unknown, key = ''): unknown {
  if (key === 'parameters' || key === 'tags') return key;
  if (Array.isArray(value)) return value.map((item) => shape(item));
  if (!isObject(value)) return null;
  const entries = Object.entries(value).filter(([name, item]) => name !== 'stacks' && !isEmpty(name, item));
  return entries.map(([name, item]) => [name, shape(item, name)]);
}
