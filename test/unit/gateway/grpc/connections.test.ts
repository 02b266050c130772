import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { Document, DocumentArray } from '../../../../core/index.ts';
import {
  type DataRequestMessage,
  decodeDataRequest,
  documentsMessage,
  encodeDataRequest,
} from '../../../../proto/index.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { echo, type GatewayFixture, type RunningGateway, withGateway } from '../running-gateway.ts';

const plan: NonNullable<GatewayFixture['plan']> = { listeners: [{ port: 0, protocols: ['http', 'grpc'] }] };
const serialize = (message: DataRequestMessage): Buffer => Buffer.from(encodeDataRequest(message));

function request(id: string, ...docs: Document[]): DataRequestMessage {
  return {
    header: { request_id: id, exec_endpoint: '/encode' },
    data: documentsMessage(DocumentArray.fromInputs(docs)),
  };
}

async function withClient(
  fixture: GatewayFixture,
  test: (client: Client, running: RunningGateway) => Promise<void>,
): Promise<void> {
  await withGateway({ plan, ...fixture }, async (running) => {
    const client = new Client(`127.0.0.1:${running.port}`, credentials.createInsecure());
    try {
      await test(client, running);
    } finally {
      client.close();
    }
  });
}

/** Answers when it is let go. */
function gated(): { executor: InProcessExecutor; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const encode = (docs: DocumentArray): Promise<DocumentArray> => opened.then(() => docs);
  return { executor: { name: 'gated', className: 'Gated', endpoints: { '/encode': encode } }, open };
}

describe('a client that does not read its answers', () => {
  it('is not read from either, and gets them all when it reads', async () => {
    // grpc-js reads all that comes, whether or not its caller does: HTTP/2 itself has to be slow.
    await withClient({ executors: [echo] }, async (_client, { port, runtime }) => {
      const count = 400;
      // What it has not sent yet stays in its memory.
      const session = http2.connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 100 });
      const headers = { 'content-type': 'application/grpc', te: 'trailers', __prefetch__: '4' };
      const call = session.request({ ':method': 'POST', ':path': '/jina.JinaRPC/Call', ...headers });
      const blob = new Uint8Array(64 * 1024);
      for (let index = 0; index < count; index++) call.write(framed(request(String(index), new Document({ blob }))));
      call.end();
      // That nothing happens any more is no event.
      let before = -1;
      while (before !== runtime.requests.length) {
        before = runtime.requests.length;
        await sleep(500);
      }
      assert.ok(runtime.requests.length < count / 2, `${runtime.requests.length} of ${count} were taken`);
      const bytes = await buffer(call);
      let answers = 0;
      for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) answers++;
      assert.equal(answers, count);
      session.destroy();
    });
  });
});

function framed(message: DataRequestMessage): Buffer {
  const bytes = serialize(message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

describe('a connection that only pings', () => {
  it('stays, however often it does', async () => {
    await withClient({ executors: [echo] }, async (_client, { port }) => {
      const session = http2.connect(`http://127.0.0.1:${port}`);
      await once(session, 'connect');
      let isGone = false;
      const end = (): void => {
        isGone = true;
      };
      session.once('goaway', end).once('close', end);
      for (let count = 0; count < 100; count++) {
        await new Promise<void>((resolve, reject) => {
          session.ping((error) => {
            if (error === null) resolve();
            else reject(error);
          });
        });
      }
      assert.equal(isGone, false);
      session.destroy();
    });
  });
});

describe('a gateway that stops while gRPC calls are open', () => {
  it('answers what it has taken, on single calls and on streams, and takes nothing more', async () => {
    const { executor, open } = gated();
    await withClient({ executors: [executor] }, async (client, { gateway, runtime }) => {
      const count = 100;
      const path = '/jina.JinaSingleDataRequestRPC/process_single_data';
      const call = (id: string): Promise<string | undefined> =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(path, serialize, decodeDataRequest, request(id), (error, answer) => {
            if (error === null) resolve(answer?.header?.request_id);
            else reject(error);
          });
        });
      const singles = Promise.all(Array.from({ length: count }, (_item, index) => call(String(index))));
      const stream = client.makeBidiStreamRequest('/jina.JinaRPC/Call', serialize, decodeDataRequest);
      for (let index = 0; index < count; index++) stream.write(request(`s${index}`));
      while (runtime.requests.length < 2 * count) await sleep(5);
      const stopped = gateway.stop();
      stream.write(request('late'));
      const ids: unknown[] = [];
      const ended = (async () => {
        for await (const answer of stream) ids.push((answer as DataRequestMessage).header?.request_id);
      })();
      open();
      assert.deepEqual(
        await singles,
        Array.from({ length: count }, (_item, index) => String(index)),
      );
      await assert.rejects(ended, (error: ServiceError) => {
        assert.equal(error.code, status.UNAVAILABLE);
        assert.deepEqual(error.metadata.get('x-sluice-reason'), ['draining']);
        return true;
      });
      await stopped;
      assert.equal(runtime.requests.length, 2 * count);
    });
  });
});
