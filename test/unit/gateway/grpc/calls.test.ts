import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Document, DocumentArray, FlowError, Tensor } from '../../../../core/index.ts';
import {
  type DataRequestMessage,
  decodeDataRequest,
  documentsMessage,
  documentsOf,
  encodeDataRequest,
  timestampToMs,
} from '../../../../proto/index.ts';
import type { GatewayPlan } from '../../../../flows/index.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { echo, postJson, withGateway } from '../running-gateway.ts';

const plan: Partial<GatewayPlan> = { listeners: [{ port: 0, protocols: ['http', 'grpc'] }] };
const serialize = (message: DataRequestMessage): Buffer => Buffer.from(encodeDataRequest(message));

function request(id: string, endpoint: string, ...docs: Document[]): DataRequestMessage {
  const header = { request_id: id, exec_endpoint: endpoint };
  return { header, data: documentsMessage(DocumentArray.fromInputs(docs)) };
}

/** A gRPC client of a gateway over these executors, closed afterwards. */
async function withClient(
  executors: readonly InProcessExecutor[],
  test: (client: Client, url: string) => Promise<void>,
  changes: Partial<GatewayPlan> = {},
): Promise<void> {
  await withGateway({ plan: { ...plan, ...changes }, executors }, async ({ port, url }) => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    try {
      await test(client, url);
    } finally {
      client.close();
    }
  });
}

function single(client: Client, message: DataRequestMessage, deadlineMs = 5000): Promise<DataRequestMessage> {
  const path = '/jina.JinaSingleDataRequestRPC/process_single_data';
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(path, serialize, decodeDataRequest, message, new Metadata(), options, (error, answer) => {
      if (error !== null) reject(error);
      else if (answer !== undefined) resolve(answer);
    });
  });
}

/** Sends every message at once and collects the answers until the stream ends. */
async function stream(
  client: Client,
  messages: readonly DataRequestMessage[],
  metadata: Record<string, string> = {},
): Promise<DataRequestMessage[]> {
  const sent = new Metadata();
  for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
  const call = client.makeBidiStreamRequest('/jina.JinaRPC/Call', serialize, decodeDataRequest, sent);
  for (const message of messages) call.write(message);
  call.end();
  const answers: DataRequestMessage[] = [];
  for await (const answer of call) answers.push(answer as DataRequestMessage);
  return answers;
}

const ids = (answers: readonly DataRequestMessage[]): unknown[] => answers.map(({ header }) => header?.request_id);

/** Answers the first request last. */
function slowFirst(): InProcessExecutor {
  let release: () => void = () => undefined;
  const later = new Promise<void>((resolve) => (release = resolve));
  const answer = async (docs: DocumentArray): Promise<DocumentArray> => {
    if (docs[0]?.text === 'slow') await later;
    else release();
    return docs;
  };
  return { name: 'turns', className: 'Turns', endpoints: { '/encode': answer } };
}

const failing: InProcessExecutor = {
  name: 'fails',
  className: 'Fails',
  endpoints: {
    '/fail': () => {
      const exception = { name: 'TypeError', args: ['no'], executor: 'Fails' };
      throw new FlowError('executor_error', 'no', { exception });
    },
    '/gone': () => {
      throw new FlowError('executor_unavailable', 'no worker of fails is running');
    },
    '/encode': (docs) => docs,
  },
};

describe('a single request over gRPC', () => {
  it('comes back with its id, its documents and every array', async () => {
    await withClient([echo], async (client) => {
      const doc = new Document({ id: 'd', text: 'ä', embedding: Tensor.vector([1.5, -2]), tags: { a: [1, null] } });
      const answer = await single(client, request('r1', '/encode', doc));
      assert.deepEqual(ids([answer]), ['r1']);
      assert.equal(answer.header?.status, undefined);
      const [back] = documentsOf(answer);
      assert.deepEqual([back?.id, back?.text, back?.tags], ['d', 'ä', { a: [1, null] }]);
      assert.deepEqual([...(back?.embedding?.data ?? [])], [1.5, -2]);
    });
  });

  it('shows the gateway first in its routes, at least a millisecond long: clients divide by it', async () => {
    await withClient([echo], async (client) => {
      const [own] = (await single(client, request('r1', '/encode'))).routes ?? [];
      assert.equal(own?.executor, 'gateway');
      assert.ok(timestampToMs(own.end_time ?? {}) - timestampToMs(own.start_time ?? {}) >= 1);
    });
  });

  it("is answered with the executor's own exception when that failed", async () => {
    await withClient([failing], async (client) => {
      const { header } = await single(client, request('r1', '/fail', new Document()));
      assert.equal(header?.status?.code, 1);
      assert.equal(header.status.description, "TypeError('no')");
      assert.deepEqual(header.status.exception?.executor, 'Fails');
    });
  });

  const refusals: [string, DataRequestMessage, status, string][] = [
    ['an unknown endpoint', request('r', '/nowhere'), status.NOT_FOUND, 'unknown_endpoint'],
    ['a worker that is not there', request('r', '/gone'), status.UNAVAILABLE, 'executor_unavailable'],
    ['pickled documents', { data: { docs_bytes: Uint8Array.of(1) } }, status.INVALID_ARGUMENT, 'invalid_argument'],
  ];
  for (const [what, message, code, reason] of refusals) {
    it(`fails for ${what} with the status of its code`, async () => {
      await withClient([failing], async (client) => {
        await assert.rejects(single(client, message), (error: ServiceError) => {
          assert.equal(error.code, code);
          assert.deepEqual(error.metadata.get('x-sluice-reason'), [reason]);
          return true;
        });
      });
    });
  }

  it('ends with its deadline, and the executor hears of it', async () => {
    let isCancelled: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (isCancelled = resolve));
    const hangs = (_docs: DocumentArray, call: { signal: AbortSignal }): Promise<DocumentArray> =>
      new Promise((_resolve, reject) => {
        call.signal.addEventListener('abort', () => {
          isCancelled();
          reject(new FlowError('cancelled', 'given up'));
        });
      });
    const executor = { name: 'hangs', className: 'Hangs', endpoints: { '/encode': hangs } };
    await withClient([executor], async (client) => {
      await assert.rejects(single(client, request('r', '/encode'), 100), { code: status.DEADLINE_EXCEEDED });
      await heard;
    });
  });
});

describe('a stream over gRPC', () => {
  const messages = [request('1', '/encode', new Document({ text: 'slow' })), request('2', '/encode', new Document())];

  it('gets its answers as they are ready', async () => {
    await withClient([slowFirst()], async (client) => {
      assert.deepEqual(ids(await stream(client, messages)), ['2', '1']);
    });
  });

  it('gets its answers in order where it asks for that', async () => {
    await withClient([slowFirst()], async (client) => {
      assert.deepEqual(ids(await stream(client, messages, { __results_in_order__: 'true' })), ['1', '2']);
    });
  });

  it('answers many requests with one in flight at a time', async () => {
    await withClient([echo], async (client) => {
      const many = Array.from({ length: 300 }, (_item, index) => request(String(index), '/encode', new Document()));
      assert.deepEqual(ids(await stream(client, many, { __prefetch__: '1' })), ids(many));
    });
  });

  it('goes on after a request that failed', async () => {
    await withClient([failing], async (client) => {
      const answers = await stream(client, [request('1', '/fail', new Document()), request('2', '/encode')]);
      assert.deepEqual(new Set(ids(answers)), new Set(['1', '2']));
      assert.equal(answers.filter(({ header }) => header?.status?.code === 1).length, 1);
    });
  });

  it('ends when an executor cannot be reached', async () => {
    await withClient([failing], async (client) => {
      await assert.rejects(stream(client, [request('1', '/gone')]), { code: status.UNAVAILABLE });
    });
  });

  it('in order gives the answers before the one that ends it', async () => {
    const ready: InProcessExecutor = {
      name: 'later',
      className: 'Later',
      endpoints: {
        ...failing.endpoints,
        '/later': (docs) => new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(docs)))),
      },
    };
    await withClient([ready], async (client) => {
      const sent = new Metadata();
      sent.set('__results_in_order__', 'true');
      const call = client.makeBidiStreamRequest('/jina.JinaRPC/Call', serialize, decodeDataRequest, sent);
      call.write(request('1', '/later', new Document()));
      call.write(request('2', '/gone'));
      call.end();
      const answers: DataRequestMessage[] = [];
      const ended = (async () => {
        for await (const answer of call) answers.push(answer as DataRequestMessage);
      })();
      await assert.rejects(ended, { code: status.UNAVAILABLE });
      assert.deepEqual(ids(answers), ['1']);
    });
  });

  it('ends when its flow has no more time for a request', async () => {
    const { executor } = waiting();
    await withClient(
      [executor],
      async (client) => {
        const late = stream(client, [request('1', '/wait', new Document())]);
        await assert.rejects(late, { code: status.DEADLINE_EXCEEDED });
      },
      { timeoutMs: 50 },
    );
  });

  it('without a request ends without an answer', async () => {
    await withClient([echo], async (client) => {
      assert.deepEqual(await stream(client, []), []);
    });
  });
});

describe('the port of both protocols', () => {
  it('answers HTTP beside gRPC', async () => {
    await withClient([echo], async (client, url) => {
      assert.equal((await postJson(`${url}/encode`, { data: [{ text: 'a' }] })).status, 200);
      assert.deepEqual(ids([await single(client, request('r', '/encode'))]), ['r']);
    });
  });
});

/** Waits until it is cancelled, and counts that. */
function waiting(): { executor: InProcessExecutor; started: Promise<void>; cancelled: Promise<void> } {
  let isStarted: () => void = () => undefined;
  let isCancelled: () => void = () => undefined;
  const started = new Promise<void>((resolve) => (isStarted = resolve));
  const cancelled = new Promise<void>((resolve) => (isCancelled = resolve));
  const endpoints: InProcessExecutor['endpoints'] = {
    '/gone': async () => {
      await started;
      throw new FlowError('executor_unavailable', 'no worker is running');
    },
    '/encode': (docs) => docs,
    '/wait': (_docs, call) =>
      new Promise((_resolve, reject) => {
        isStarted();
        call.signal.addEventListener('abort', () => {
          isCancelled();
          reject(FlowError.from(call.signal.reason));
        });
      }),
  };
  return { executor: { name: 'waits', className: 'Waits', endpoints }, started, cancelled };
}

describe('what is given up over gRPC', () => {
  it('is cancelled in the executor when the caller cancels the stream', async () => {
    const { executor, started, cancelled } = waiting();
    await withClient([executor], async (client) => {
      const call = client.makeBidiStreamRequest('/jina.JinaRPC/Call', serialize, decodeDataRequest);
      call.on('error', () => undefined);
      call.write(request('1', '/wait', new Document()));
      await started;
      call.cancel();
      await cancelled;
    });
  });

  it('is cancelled in the executor when another request ends the stream', async () => {
    const { executor, cancelled } = waiting();
    await withClient([executor], async (client) => {
      const messages = [request('1', '/wait', new Document()), request('2', '/gone', new Document())];
      await assert.rejects(stream(client, messages), { code: status.UNAVAILABLE });
      await cancelled;
    });
  });

  it('fails alone when the time of one request is over and its stream has more', async () => {
    const { executor } = waiting();
    await withClient([executor], async (client) => {
      const late = request('1', '/wait', new Document());
      const messages = [{ ...late, header: { ...late.header, timeout: 50 } }, request('2', '/encode', new Document())];
      const answers = await stream(client, messages);
      assert.deepEqual(new Set(ids(answers)), new Set(['1', '2']));
      const failed = answers.find(({ header }) => header?.request_id === '1');
      assert.equal(failed?.header?.status?.exception?.name, 'deadline_exceeded');
    });
  });
});

describe('what cannot be read over gRPC', () => {
  it('is refused as an invalid argument when it is no message', async () => {
    await withClient([echo], async (client) => {
      const path = '/jina.JinaSingleDataRequestRPC/process_single_data';
      const garbage = new Promise((resolve, reject) => {
        const raw = (): Buffer => Buffer.from([0xff, 0xff, 0xff]);
        client.makeUnaryRequest(path, raw, decodeDataRequest, undefined, (error) => {
          if (error === null) resolve(undefined);
          else reject(error);
        });
      });
      await assert.rejects(garbage, { code: status.INVALID_ARGUMENT });
    });
  });

  it('ends the stream that it came on', async () => {
    await withClient([echo], async (client) => {
      const raw = (): Buffer => Buffer.from([0xff, 0xff, 0xff]);
      const call = client.makeBidiStreamRequest('/jina.JinaRPC/Call', raw, decodeDataRequest);
      call.write(undefined);
      const ended = (async () => {
        for await (const answer of call) assert.fail(String(answer));
      })();
      await assert.rejects(ended, { code: status.INVALID_ARGUMENT });
    });
  });

  it('is refused when it is larger than the limit', async () => {
    await withClient(
      [echo],
      async (client) => {
        const large = request('1', '/encode', new Document({ blob: new Uint8Array(5000) }));
        await assert.rejects(single(client, large), { code: status.RESOURCE_EXHAUSTED });
      },
      { maxBodyBytes: 1000 },
    );
  });
});

describe('the settings of a call over gRPC', () => {
  it('are read from its metadata', async () => {
    await withGateway({ plan }, async ({ port, runtime }) => {
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      const traceId = '1'.repeat(32);
      const metadata = { 'x-sluice-priority': '7', traceparent: `00-${traceId}-${'2'.repeat(16)}-01` };
      await stream(client, [request('1', '/encode', new Document())], metadata);
      client.close();
      assert.equal(runtime.requests[0]?.priority, 7);
      assert.equal(runtime.requests[0].trace?.traceId, traceId);
    });
  });
});
