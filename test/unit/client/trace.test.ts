import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { after, before, describe, it } from 'node:test';
import { type Context, context, type ContextManager, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { echo, withServer } from './wire-server.ts';

/** What the Node SDK brings, in few lines: contexts that follow promises. */
class StorageContexts implements ContextManager {
  private readonly storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    at: Context,
    run: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.storage.run(at, () => run.apply(self, args));
  }

  bind<T>(_at: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

describe('trace context of requests', () => {
  before(() => {
    context.setGlobalContextManager(new StorageContexts());
  });
  after(() => context.disable());

  it('is that of the span which is active where post is called', async () => {
    await withServer(echo, async (client, server) => {
      const active = trace.setSpanContext(ROOT_CONTEXT, span);
      const result = context.with(active, () => client.post('/encode', Array.from('ab'), { requestSize: 1 }));
      await result;
      assert.deepEqual(
        server.requests.map(({ headers }) => headers['traceparent']),
        Array.from({ length: 2 }, () => `00-${span.traceId}-${span.spanId}-01`),
      );
      await client.post('/encode', 'a');
      assert.equal(server.requests[2]?.headers['traceparent'], undefined);
    });
  });

  it('is the one the caller names, if there is one', async () => {
    await withServer(echo, async (client, server) => {
      const traceparent = `00-${span.traceId}-00f067aa0ba902b7-00`;
      await context.with(trace.setSpanContext(ROOT_CONTEXT, span), async () =>
        client.post('/encode', 'a', { traceparent }),
      );
      assert.equal(server.requests[0]?.headers['traceparent'], traceparent);
    });
  });
});
