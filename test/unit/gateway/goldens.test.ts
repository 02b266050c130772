import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { isObject } from '../../../core/index.ts';
import { encoder, upper } from './golden-executors.ts';
import { echo, runGateway, type RawAnswer, type RunningGateway, sendRaw } from './running-gateway.ts';

/** One request to the real Jina and what it answered. */
interface Golden {
  readonly flow: string;
  readonly request: { readonly line: string; readonly headers: Record<string, string>; readonly body: string };
  readonly response: {
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    readonly json?: unknown;
  };
}

const folder = fileURLToPath(new URL('../../../../shared/goldens/jina/v1/', import.meta.url));
const missing = existsSync(folder) ? false : 'the recorded answers of Jina are not on this machine';
const files = missing === false ? readdirSync(folder).filter((file) => /^(http|chain_http|echo_http)_/.test(file)) : [];

/** Not answered by executors alone: the first two have tests of their own, the others need one that is down. */
const elsewhere = new Set([
  'http_status',
  'http_openapi',
  'chain_http_executor_down',
  'chain_http_executor_down_dry_run',
]);

/** Where we answer otherwise on purpose: our status, and why. */
const differences: Readonly<Record<string, readonly [status: number, why: string]>> = {
  http_unknown_endpoint: [404, 'an endpoint that nobody binds is an error, not silence'],
  http_exec_endpoint_without_slash: [404, 'an endpoint that nobody binds is an error, not silence'],
  http_crud_index: [404, 'an endpoint that nobody binds is an error, not silence'],
  http_crud_search: [404, 'an endpoint that nobody binds is an error, not silence'],
  http_crud_delete: [404, 'an endpoint that nobody binds is an error, not silence'],
  http_crud_update: [404, 'an endpoint that nobody binds is an error, not silence'],
  http_target_executor_no_match: [404, 'a target that matches nobody is an error, not silence'],
  http_exec_endpoint_number: [422, 'a number is no endpoint'],
  http_text_is_number: [422, 'a number is no text'],
  http_tags: [200, 'a number in tags stays a number, 1 is not turned into true'],
  http_nested: [200, 'nested documents are given back as they were sent'],
  http_exposed_fail: [500, 'only clients that say header or execEndpoint read errors out of a 200'],
};

describe('HTTP gateway beside the recorded answers of Jina', { skip: missing }, () => {
  const gateways = new Map<string, RunningGateway>();
  before(async () => {
    const exposed = ['/encode', '/fail'].map((path) => ({ endpoint: path, path, methods: ['POST'] }));
    gateways.set('single', await runGateway({ executors: [encoder], plan: { exposed } }));
    gateways.set('chain', await runGateway({ executors: [upper, encoder] }));
    gateways.set('echo', await runGateway({ executors: [echo] }));
  });
  after(() => Promise.all([...gateways.values()].map(({ gateway }) => gateway.stop())));

  for (const file of files) {
    const name = file.replace('.json', '');
    if (elsewhere.has(name)) continue;
    const difference = differences[name];
    it(
      difference === undefined ? `answers ${name} alike` : `answers ${name} with ${difference.join(': ')}`,
      async () => {
        const golden = JSON.parse(readFileSync(folder + file, 'utf8')) as Golden;
        const running = gateways.get(golden.flow);
        assert.ok(running, golden.flow);
        const answer = await replay(running.port, golden);
        if (difference === undefined) compare(answer, golden);
        else assert.equal(answer.status, difference[0], answer.body);
      },
    );
  }
});

async function replay(port: number, { request }: Golden): Promise<RawAnswer> {
  const headers = { Host: 'gateway', Connection: 'close', ...request.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return sendRaw(port, `${[request.line, ...lines].join('\r\n')}\r\n\r\n${request.body}`);
}

function compare(answer: RawAnswer, { response }: Golden): void {
  assert.equal(answer.status, response.status, answer.body);
  for (const [name, value] of response.headers) {
    if (name === 'server' || name === 'content-length') continue;
    assert.equal(answer.headers.get(name.toLowerCase())?.toLowerCase(), value.toLowerCase(), name);
  }
  if (response.json === undefined) return;
  const [ours, theirs] = [JSON.parse(answer.body) as unknown, response.json];
  assert.deepEqual(shape(ours), shape(theirs), 'keys and their order');
  assert.deepEqual(comparable(ours), comparable(theirs));
}

/** Values that differ from run to run in place of themselves, so that a missing or malformed one is seen. */
function comparable(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return key === 'stacks' ? [] : value.map((item) => comparable(item));
  if (isObject(value)) {
    const entries = Object.entries(value).filter(([name]) => name !== 'ctx');
    return Object.fromEntries(entries.map(([name, item]) => [name, comparable(item, name)]));
  }
  if (typeof value !== 'string') return value;
  if (/^[0-9a-f]{32}$/.test(value)) return '<id>';
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/.test(value) ? '<time>' : value;
}

/** The keys of an object in their order, down to those of documents; what users chose has no order of its own. */
function shape(value: unknown, key = ''): unknown {
  if (key === 'parameters' || key === 'tags' || key === 'stacks') return key;
  if (Array.isArray(value)) return value.map((item) => shape(item));
  if (!isObject(value)) return null;
  return Object.entries(value)
    .filter(([name]) => name !== 'ctx')
    .map(([name, item]) => [name, shape(item, name)]);
}
