import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  Client,
  type ClientResponse,
  Document,
  DocumentArray,
  FlowError,
  type Inputs,
  Tensor,
} from '../../client/index.ts';
import { documentToJson, type Dtype, dtypes, elementBytes } from '../../core/index.ts';
import { parseFlow } from '../../flows/index.ts';
import { type RunningFlow, startFlow } from '../../index.ts';
import { createLogger } from '../../observability/index.ts';
import { withGateway } from '../unit/gateway/running-gateway.ts';

const root = path.join(import.meta.dirname, '..', '..');
const protocols = ['http', 'grpc', 'ws'] as const;

const flowText = `
jtype: Flow
with: { port: 0, protocol: [http, grpc, websocket], max_body: 4MiB }
executors:
  - name: echo
    uses: test/fixtures/executors/echo.ts
  - name: faults
    uses: test/fixtures/executors/faults.ts
  - name: narrow
    uses: test/fixtures/executors/faults.ts
    queue: { requests: 1 }
  - name: counter
    uses: test/fixtures/executors/streaming.ts
`;

/** What a failure is to a program: its code, its reason, and what the executor threw. */
interface Failure {
  readonly code: string;
  readonly reason: string;
  readonly exception?: string;
}

async function failureOf(work: () => PromiseLike<unknown>): Promise<Failure> {
  try {
    await work();
  } catch (error) {
    return describeError(error);
  }
  assert.fail('it was answered');
}

function describeError(error: unknown): Failure {
  assert.ok(error instanceof FlowError, String(error));
  const { code, reason, exception } = error;
  const isForeign = exception !== undefined && exception.executor !== '';
  return isForeign
    ? { code, reason, exception: `${exception.executor} ${exception.name}: ${exception.args.join()}` }
    : { code, reason };
}

async function textsOf(client: Client, inputs: Inputs): Promise<string[]> {
  return (await client.post('/echo', inputs, { targetExecutor: 'echo', resultsInOrder: true, requestSize: 2 })).texts;
}

async function read(client: Client, parameters: Record<string, number>, leaveAfter = Infinity): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (const doc of client.stream('/count', 'step', { parameters, targetExecutor: 'counter' })) {
      seen.push(doc.text);
      if (seen.length === leaveAfter) break;
    }
  } catch (error) {
    seen.push(describeError(error).exception);
  }
  return seen;
}

async function* generated(): AsyncGenerator<string> {
  for (const text of ['a', 'b', 'c']) yield await Promise.resolve(text);
}

const target = { targetExecutor: 'faults' } as const;
const slow = { ...target, parameters: { ms: 30_000 } } as const;

/** A tensor of each kind of numbers, with bytes that tell when their order or sign gets lost. */
const tensors = dtypes.map((dtype: Dtype) => {
  const bytes = Uint8Array.from({ length: 2 * elementBytes(dtype) }, (_, index) =>
    dtype === 'bool' ? index % 2 : index + 1,
  );
  return Tensor.fromBytes(dtype, [1, 2], bytes);
});

const whole = new Document({
  id: 'whole',
  text: 'ä 猫',
  uri: 'cat.jpg',
  mimeType: 'text/plain',
  modality: 'text',
  weight: 0.5,
  offset: 1.5,
  location: [1, 2.5],
  tags: { list: [1, null, { deep: true }], 'a b': 'c' },
  scores: { cosine: { value: 0.25, opName: 'dot', description: 'd', refId: 'r' } },
  embedding: Tensor.vector([1.5, -2, NaN]),
});

interface Case {
  readonly name: string;
  readonly run: (client: Client) => Promise<unknown>;
  readonly expected: unknown;
}

const cases: readonly Case[] = [
  { name: 'a text', run: (client) => textsOf(client, 'a'), expected: ['a'] },
  { name: 'a list of all kinds', run: (client) => textsOf(client, ['a', { text: 'b' }]), expected: ['a', 'b'] },
  { name: 'a generator', run: (client) => textsOf(client, generated()), expected: ['a', 'b', 'c'] },
  { name: 'a function', run: (client) => textsOf(client, () => []), expected: [] },
  { name: 'a web stream', run: (client) => textsOf(client, ReadableStream.from(['a', 'b'])), expected: ['a', 'b'] },
  { name: 'nothing', run: (client) => textsOf(client, undefined), expected: [] },
  { name: 'an iterator without items', run: (client) => textsOf(client, new Set<string>()), expected: [] },
  { name: 'an empty document', run: (client) => textsOf(client, new Document()), expected: [''] },
  {
    name: 'a document with all its fields',
    run: async (client) => {
      const [doc] = await client.post('/echo', whole, { targetExecutor: 'echo' });
      return documentToJson(doc ?? new Document(), 'base64');
    },
    expected: documentToJson(whole, 'base64'),
  },
  {
    name: 'bytes in chunks, and matches',
    run: async (client) => {
      const chunks = DocumentArray.fromInputs([{ blob: Uint8Array.of(0, 255, 7), granularity: 1 }]);
      const matches = DocumentArray.fromInputs([{ text: 'c', adjacency: 1 }]);
      const [got] = await client.post('/echo', { text: 'a', chunks, matches }, { targetExecutor: 'echo' });
      return [[...(got?.chunks?.[0]?.blob ?? [])], got?.matches?.texts];
    },
    expected: [[0, 255, 7], ['c']],
  },
  {
    name: 'tensors of every dtype',
    run: async (client) => {
      const docs = await client.post(
        '/echo',
        tensors.map((tensor) => ({ tensor })),
        { targetExecutor: 'echo' },
      );
      return docs.map(({ tensor }) => [tensor?.dtype, tensor?.shape, [...(tensor?.bytes ?? [])]]);
    },
    expected: tensors.map(({ dtype, shape, bytes }) => [dtype, shape, [...bytes]]),
  },
  {
    name: 'parameters, and values beside documents',
    run: async (client) => {
      const found: unknown[] = [];
      const parameters = { limit: 5, deep: { list: ['a', null, true] } };
      const post = client.post('/values', ['a', 'b'], { targetExecutor: 'echo', parameters });
      for await (const response of post.responses()) found.push(response.parameters);
      return found;
    },
    expected: [{ limit: 5, deep: { list: ['a', null, true] }, __results__: { 'echo/rep-0': { count: 2 } } }],
  },
  {
    name: 'the executors of the way, the gateway first',
    run: async (client) => {
      const names: unknown[] = [];
      const post = client.post('/echo', 'a', { targetExecutor: 'echo' });
      for await (const { routes } of post.responses()) {
        for (const { executor, startMs = 0, endMs = 0 } of routes) if (endMs > startMs) names.push(executor);
      }
      return names.slice(0, 2);
    },
    expected: ['gateway', 'echo'],
  },
  {
    name: 'answers in the order of the inputs',
    run: async (client) => {
      const texts = Array.from({ length: 40 }, (_, index) => String(index));
      const post = client.post('/hash', texts, {
        requestSize: 3,
        prefetch: 5,
        resultsInOrder: true,
        targetExecutor: 'echo',
      });
      return (await post).texts.every((text, index) => text === texts[index]);
    },
    expected: true,
  },
  {
    name: 'every answer, in the order of completion',
    run: async (client) => {
      const texts = Array.from({ length: 40 }, (_, index) => String(index).padStart(2, '0'));
      const docs = await client.post('/hash', texts, { requestSize: 3, prefetch: 5, targetExecutor: 'echo' });
      return [...docs.texts].sort().every((text, index) => text === texts[index]);
    },
    expected: true,
  },
  {
    name: 'callbacks for what was done and what failed',
    run: async (client) => {
      const calls: string[] = [];
      const note = (name: string) => (response: ClientResponse) =>
        void calls.push(`${name} ${response.error?.reason ?? response.docs.texts.join()}`);
      const callbacks = { onDone: note('done'), onError: note('error'), onAlways: note('always') };
      await client.post('/echo', 'a', { targetExecutor: 'echo', ...callbacks });
      await client.post('/throw', 'a', { ...target, ...callbacks });
      return calls;
    },
    expected: ['done a', 'always a', 'error executor_error', 'always executor_error'],
  },
  {
    name: 'an executor that throws',
    run: (client) => failureOf(() => client.post('/throw', 'a', target)),
    expected: { code: 'unknown', reason: 'executor_error', exception: 'Faults RangeError: intentional failure' },
  },
  {
    name: 'an executor that refuses its input',
    run: async (client) => (await failureOf(() => client.post('/refuse', 'a', target))).reason,
    expected: 'invalid_argument',
  },
  {
    name: 'a wrong number of documents, and a result that is none',
    run: async (client) => [
      (await failureOf(() => client.post('/drop', ['a', 'b'], target))).reason,
      (await failureOf(() => client.post('/garbage', 'a', target))).reason,
    ],
    expected: ['wrong_count', 'invalid_result'],
  },
  {
    name: 'an unknown endpoint',
    run: (client) => failureOf(() => client.post('/nowhere', 'a', target)),
    expected: { code: 'not_found', reason: 'unknown_endpoint' },
  },
  {
    name: 'an unknown target',
    run: (client) => failureOf(() => client.post('/echo', 'a', { targetExecutor: 'nobody' })),
    expected: { code: 'not_found', reason: 'unknown_target' },
  },
  {
    name: 'a request over the limit, beside one that is not',
    run: async (client) => {
      const large = await failureOf(() =>
        client.post('/echo', { blob: new Uint8Array(5 * 2 ** 20) }, { targetExecutor: 'echo' }),
      );
      return [large, await textsOf(client, 'a')];
    },
    expected: [{ code: 'resource_exhausted', reason: 'request_too_large' }, ['a']],
  },
  {
    name: 'the time limit of a request that runs',
    run: (client) => failureOf(() => client.post('/slow', 'a', { ...slow, timeoutMs: 300 })),
    expected: { code: 'deadline_exceeded', reason: 'deadline_exceeded' },
  },
  {
    name: 'a signal that aborts, and the next request',
    run: async (client) => {
      const abort = new AbortController();
      const cancelled = failureOf(() => client.post('/slow', 'a', { ...slow, signal: abort.signal }));
      await client.isReady();
      abort.abort();
      return [await cancelled, (await client.post('/ok', 'a', target)).length];
    },
    expected: [{ code: 'cancelled', reason: 'cancelled' }, 1],
  },
  {
    name: 'a full queue, and the time limit of a request in it',
    run: async (client) => {
      const narrow = { targetExecutor: 'narrow', parameters: { ms: 30_000 } };
      const abort = new AbortController();
      const running = failureOf(() => client.post('/slow', 'a', { ...narrow, signal: abort.signal }));
      // It goes into the queue as soon as the one before has left that for the worker.
      const waiting = failureOf(() => client.post('/slow', 'b', { ...narrow, timeoutMs: 5000, retries: 50 }));
      let full: Failure;
      do full = await failureOf(() => client.post('/slow', 'c', { ...narrow, timeoutMs: 300 }));
      while (full.reason !== 'queue_full');
      const late = await waiting;
      abort.abort();
      await running;
      return [full, late];
    },
    expected: [
      { code: 'resource_exhausted', reason: 'queue_full' },
      { code: 'deadline_exceeded', reason: 'deadline_exceeded' },
    ],
  },
  {
    name: 'a worker that dies of a write, and of what may be done again',
    run: async (client) => {
      const write = await failureOf(() => client.post('/exit-write', 'a', target));
      const again = await client.post('/ok', 'a', { ...target, retries: 10 });
      return [write, again.length];
    },
    expected: [{ code: 'unavailable', reason: 'worker_crashed' }, 1],
  },
  {
    name: 'a stream',
    run: (client) => read(client, { until: 4 }),
    expected: ['step 0', 'step 1', 'step 2', 'step 3'],
  },
  {
    name: 'a stream of more documents than fit anywhere',
    run: async (client) => (await read(client, { until: 500 })).length,
    expected: 500,
  },
  {
    name: 'a stream that fails after two documents',
    run: (client) => read(client, { until: 4, failAt: 2 }),
    expected: ['step 0', 'step 1', 'Streaming RangeError: failed at 2'],
  },
  {
    name: 'a stream that is left, and the next one',
    run: async (client) => [await read(client, { until: 1e9 }, 3), await read(client, { until: 1 })],
    expected: [['step 0', 'step 1', 'step 2'], ['step 0']],
  },
  {
    name: 'a stream of an endpoint that gives one answer, and the other way round',
    run: async (client) => [
      await failureOf(() => client.stream('/hash', 'a', { targetExecutor: 'echo' }).next()),
      await failureOf(() => client.post('/count', 'a', { targetExecutor: 'counter' })),
    ],
    expected: Array(2).fill({ code: 'failed_precondition', reason: 'streaming_endpoint' }),
  },
  {
    name: 'a stream of an endpoint that is not there',
    run: (client) => failureOf(() => client.stream('/nowhere', 'a', { targetExecutor: 'counter' }).next()),
    expected: { code: 'not_found', reason: 'unknown_endpoint' },
  },
  {
    name: 'whether it is ready, and what it is',
    run: async (client) => [await client.isReady(), 'jina' in (await client.status())],
    expected: [true, true],
  },
];

function hostOf(url: string, protocol: (typeof protocols)[number]): string {
  return url.replace(/^\w+/, protocol);
}

describe('one running flow', () => {
  let flow: RunningFlow;
  before(async () => {
    // What fails here is meant to; nobody reads the log.
    const logger = createLogger({ name: 'flow', level: 'warn', destination: { write: () => undefined } });
    flow = await startFlow(parseFlow(flowText, { path: path.join(root, 'flow.yml') }), { logger });
  });
  after(() => flow.stop());

  for (const protocol of protocols) {
    describe(`the client over ${protocol}`, () => {
      let client: Client;
      before(() => {
        client = new Client({ host: hostOf(flow.urls[0] ?? '', protocol) });
      });
      after(() => client.close());

      for (const { name, run, expected } of cases) {
        it(name, async () => {
          assert.deepEqual(await run(client), expected);
        });
      }
    });
  }
});

describe('a gateway that cannot answer', () => {
  for (const protocol of protocols) {
    it(`says over ${protocol} that a flow is not ready`, async () => {
      const plan = { listeners: [{ port: 0, protocols: ['http', 'grpc', 'websocket'] as const }] };
      await withGateway({ plan, isLoading: true }, async ({ url }) => {
        const client = new Client({ host: hostOf(url, protocol) });
        const failure = await failureOf(() => client.post('/encode', 'a'));
        assert.deepEqual(failure, { code: 'unavailable', reason: 'not_ready' });
        assert.equal(await client.isReady(), false);
        await client.close();
      });
    });

    it(`says over ${protocol} that nothing listens`, async () => {
      let host = '';
      await withGateway({}, ({ url }) => {
        host = hostOf(url, protocol);
        return Promise.resolve();
      });
      const client = new Client({ host });
      await assert.rejects(async () => client.post('/encode', 'a'), {
        reason: 'connection_failed',
        message: /^nothing listens on 127\.0\.0\.1:\d+: check that the gateway is running there/,
      });
      assert.equal(await client.isReady(), false);
      await client.close();
    });
  }
});
