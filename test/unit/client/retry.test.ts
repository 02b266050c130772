import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientResponse } from '../../../client/index.ts';
import { retryWaitMs, withRetries } from '../../../client/retry.ts';
import { DocumentArray, FlowError, type JsonObject, type Reason } from '../../../core/index.ts';
import { FakeClock } from './fake-clock.ts';
import { answerTo, sendJson, silence, withServer } from './wire-server.ts';

const answer: ClientResponse = { requestId: 'r', docs: new DocumentArray(), parameters: {}, routes: [] };

function fault(reason: Reason, details: JsonObject = {}): FlowError {
  return new FlowError(reason, `failed with ${reason}`, { details });
}

/** Sends outcomes one after another, with waits that pass at once; tells what it waited. */
async function run(
  outcomes: readonly (ClientResponse | FlowError)[],
  retries: number,
  deadline = Infinity,
): Promise<{ waits: number[]; attempts: number; result: unknown }> {
  const clock = new FakeClock();
  const waits: number[] = [];
  let attempts = 0;
  const signal = new AbortController().signal;
  const over = new AbortController();
  const result = withRetries(
    () => {
      const outcome = outcomes[attempts++];
      assert.ok(outcome !== undefined, 'no attempt was expected');
      return outcome instanceof FlowError ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
    { retries, deadline, signal, clock, random: () => 0 },
  )
    .catch((error: unknown) => error)
    .finally(() => {
      over.abort();
    });
  while (!over.signal.aborted) {
    if (clock.timerCount > 0) {
      const wait = await clock.nextDelay();
      waits.push(wait);
      clock.advance(wait);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { waits, attempts, result: await result };
}

describe('retries', () => {
  it('sends once by default, whatever happens', async () => {
    const error = fault('queue_full');
    assert.deepEqual(await run([error], 0), { waits: [], attempts: 1, result: error });
  });

  it('waits half a second, then half as long again each time, at most two', async () => {
    const error = fault('connection_failed');
    const { waits, attempts, result } = await run([error, error, error, error, error, answer], 9);
    assert.deepEqual(waits, [500, 750, 1125, 1687.5, 2000]);
    assert.equal(attempts, 6);
    assert.equal(result, answer);
  });

  it('leaves a random half of the wait out', () => {
    assert.equal(retryWaitMs(fault('queue_full'), 1, 0.5), 375);
    assert.equal(retryWaitMs(fault('queue_full'), 1, 1), 250);
  });

  it('sends an answer with a retryable error again', async () => {
    const { attempts, result } = await run([{ ...answer, error: fault('worker_crashed') }, answer], 1);
    assert.equal(attempts, 2);
    assert.equal(result, answer);
  });

  it('gives the last answer or error when the attempts are used up', async () => {
    const last = { ...answer, error: fault('draining') };
    assert.equal((await run([fault('connection_failed'), last], 1)).result, last);
    const error = fault('connection_failed');
    assert.equal((await run([last, error], 1)).result, error);
  });

  it('does not repeat what would fail again', async () => {
    for (const error of [
      fault('executor_error'),
      fault('invalid_argument'),
      fault('protocol_error'),
      fault('connection_failed', { status: 404 }),
      fault('connection_failed', { status: 500 }),
    ]) {
      assert.equal((await run([error], 5)).attempts, 1, error.message);
    }
  });

  it('repeats after HTTP 429, 502, 503 and 504, also from servers that are not ours', async () => {
    for (const status of [429, 502, 503, 504]) {
      assert.equal((await run([fault('connection_failed', { status }), answer], 1)).attempts, 2, `${status}`);
    }
  });

  it('waits as long as the gateway asks for', async () => {
    const { waits } = await run([fault('queue_full', { status: 429, retryAfterMs: 7000 }), answer], 1);
    assert.deepEqual(waits, [7000]);
  });

  it('gives up at once when the next attempt would start after the deadline', async () => {
    const error = fault('queue_full', { retryAfterMs: 7000 });
    assert.deepEqual(await run([error], 5, 6000), { waits: [], attempts: 1, result: error });
  });

  it('ends a wait when the signal aborts', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const result = withRetries(() => Promise.reject(fault('queue_full')), {
      retries: 3,
      deadline: Infinity,
      signal: abort.signal,
      clock,
      random: () => 0,
    });
    const rejected = assert.rejects(result, { reason: 'cancelled' });
    await clock.nextDelay();
    abort.abort(fault('cancelled'));
    await rejected;
    assert.equal(clock.timerCount, 0);
  });

  it('honours Retry-After of a real answer, and sends the same documents again', async () => {
    await withServer(
      (request, response) => {
        const isFirst = server === undefined || server.requests.length === 1;
        if (isFirst) sendJson(response, 429, { detail: 'busy' }, { 'retry-after': '0' });
        else sendJson(response, 200, answerTo(request));
      },
      async (client, started) => {
        server = started;
        const docs = await client.post('/encode', Array.from('ab'), { retries: 1 });
        assert.deepEqual(docs.texts, Array.from('ab'));
        const [first, second] = started.requests;
        assert.deepEqual(second?.body, first?.body);
      },
    );
  });
  let server: { requests: unknown[] } | undefined;
});

describe('time limits', () => {
  it('ends a request that is not answered in time, and tells the gateway to stop', async () => {
    await withServer(silence, async (client, server) => {
      await assert.rejects(async () => client.post('/encode', 'a', { timeoutMs: 50, retries: 3 }), {
        reason: 'deadline_exceeded',
        message: 'no answer within 50 ms (timeoutMs)',
      });
      assert.equal(server.requests.length, 1);
      await server.requests[0]?.closed;
    });
  });

  it("uses the client's limit for requests without one of their own", async () => {
    await withServer(
      silence,
      async (client) => {
        await assert.rejects(async () => client.post('/encode', 'a'), { reason: 'deadline_exceeded' });
      },
      { timeoutMs: 50 },
    );
  });

  it('ends a request whose answer stops half way', async () => {
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"data": [');
      },
      async (client) => {
        await assert.rejects(async () => client.post('/encode', 'a', { timeoutMs: 50 }), {
          reason: 'deadline_exceeded',
        });
      },
    );
  });
});
