import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client as GrpcClient, credentials, Metadata } from '@grpc/grpc-js';
import { Client, type ClientResponse } from '../../../../client/index.ts';
import { Document, FlowError } from '../../../../core/index.ts';
import type { GatewayPlan } from '../../../../flows/index.ts';
import { decodeDocumentRequest, type DocumentRequestMessage, encodeDocumentRequest } from '../../../../proto/index.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { type GatewayFixture, type RunningGateway, withGateway } from '../running-gateway.ts';

const plan: Partial<GatewayPlan> = { listeners: [{ port: 0, protocols: ['http', 'grpc'] }] };

/** Fails in each way that ends a stream of Jina's client, and streams. */
const executor: InProcessExecutor = {
  name: 'fails',
  className: 'Fails',
  endpoints: {
    '/encode': async (docs, { signal }) => {
      if (docs[0]?.text === 'gone') throw new FlowError('executor_unavailable', 'no worker of fails is running');
      if (docs[0]?.text === 'late') {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as FlowError)));
      }
      return docs;
    },
  },
  streams: {
    '/count': async function* (docs) {
      for (let step = 0; ; step++) {
        if (docs[0]?.text === 'fail' && step === 2) {
          const exception = { name: 'RangeError', args: ['failed at 2'], executor: 'Fails' };
          throw new FlowError('executor_error', 'failed at 2', { exception });
        }
        if (docs[0]?.text === 'stop' && step === 3) return;
        await new Promise((resolve) => setImmediate(resolve));
        yield new Document({ text: String(step) });
      }
    },
  },
};

async function withClient(
  test: (client: Client, running: RunningGateway) => Promise<void>,
  fixture: GatewayFixture = {},
): Promise<void> {
  const executors = [executor];
  await withGateway({ executors, ...fixture, plan: { ...plan, ...fixture.plan } }, async (running) => {
    const client = new Client({ host: `grpc://127.0.0.1:${running.port}` });
    try {
      await test(client, running);
    } finally {
      await client.close();
    }
  });
}

/** What became of each text, by the text. */
async function outcomes(client: Client, texts: readonly string[]): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  let index = 0;
  const note = ({ docs, error }: ClientResponse): void => {
    const text = texts[index++] ?? '';
    result[text] = error?.reason ?? docs.texts.join();
  };
  await client.post('/encode', texts, {
    requestSize: 1,
    resultsInOrder: true,
    onError: () => undefined,
    onAlways: note,
  });
  return result;
}

describe('a failure on a stream of our client over gRPC', () => {
  it('is the answer to its own request: an executor that is not there, a limit of the flow', async () => {
    await withClient(
      async (client) => {
        const expected = { a: 'a', gone: 'executor_unavailable', late: 'deadline_exceeded', b: 'b' };
        assert.deepEqual(await outcomes(client, Object.keys(expected)), expected);
      },
      { plan: { timeoutMs: 100 } },
    );
  });

  it('is told before the flow has started', async () => {
    await withClient(
      async (client) => {
        assert.deepEqual(await outcomes(client, ['a']), { a: 'not_ready' });
        assert.equal(await client.isReady(), false);
      },
      { isLoading: true },
    );
  });
});

async function read(client: Client, endpoint: string, text: string): Promise<[texts: unknown[], error: unknown]> {
  const texts: unknown[] = [];
  try {
    for await (const doc of client.stream(endpoint, text)) {
      texts.push(doc.text);
      if (text === 'leave' && texts.length === 2) break;
    }
  } catch (error) {
    return [texts, error];
  }
  return [texts, undefined];
}

describe('a streaming endpoint over gRPC', () => {
  it('sends each document as it is made, and ends', async () => {
    await withClient(async (client) => {
      assert.deepEqual(await read(client, '/count', 'stop'), [['0', '1', '2'], undefined]);
    });
  });

  it("throws the executor's error after the documents before it", async () => {
    await withClient(async (client) => {
      const [texts, error] = await read(client, '/count', 'fail');
      assert.deepEqual(texts, ['0', '1']);
      assert.ok(error instanceof FlowError);
      assert.deepEqual(
        [error.reason, error.exception],
        ['executor_error', { name: 'RangeError', args: ['failed at 2'], executor: 'Fails' }],
      );
    });
  });

  it('stops the executor when the reader leaves', async () => {
    await withClient(async (client, { runtime }) => {
      assert.deepEqual(await read(client, '/count', 'leave'), [['0', '1'], undefined]);
      while (runtime.cancelled.length === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(runtime.cancelled[0]?.reason, 'cancelled');
    });
  });

  it('throws what is wrong before the first document', async () => {
    await withClient(async (client) => {
      const [texts, error] = await read(client, '/encode', 'a');
      assert.deepEqual(texts, []);
      assert.ok(error instanceof FlowError);
      assert.equal(error.reason, 'streaming_endpoint');
    });
  });

  it("is Jina's stream_doc: the header of the request and a document in each message", async () => {
    await withGateway({ executors: [executor], plan }, async ({ port }) => {
      const client = new GrpcClient(`127.0.0.1:${port}`, credentials.createInsecure());
      const request = { header: { request_id: 'r', exec_endpoint: '/count' }, document: { id: 'd', text: 'stop' } };
      const call = client.makeServerStreamRequest(
        '/jina.JinaSingleDocumentRequestRPC/stream_doc',
        (message: DocumentRequestMessage) => Buffer.from(encodeDocumentRequest(message)),
        decodeDocumentRequest,
        request,
        new Metadata(),
      );
      const messages: DocumentRequestMessage[] = [];
      for await (const message of call) messages.push(message as DocumentRequestMessage);
      assert.deepEqual(
        messages.map(({ header, document }) => [header?.request_id, document?.text]),
        ['0', '1', '2'].map((text) => ['r', text]),
      );
      client.close();
    });
  });
});
