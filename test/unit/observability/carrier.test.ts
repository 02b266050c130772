import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTraceContext, writeTraceContext } from '../../../observability/index.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('trace carrier', () => {
  it('reads what it wrote', () => {
    const context = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), isSampled: false, traceState: 'a=1,b=2' };
    assert.deepEqual(readTraceContext(writeTraceContext(context)), context);
  });

  it('writes no tracestate where there is none', () => {
    const context = readTraceContext({ traceparent });
    assert.ok(context);
    assert.deepEqual(writeTraceContext(context), { traceparent });
  });

  it('joins the parts of a tracestate that came in several headers', () => {
    assert.equal(readTraceContext({ traceparent, tracestate: ['a=1', 'b=2'] })?.traceState, 'a=1,b=2');
  });

  it('drops a tracestate that is longer than anybody has to pass on', () => {
    const context = readTraceContext({ traceparent, tracestate: `a=${'1'.repeat(600)}` });
    assert.ok(context);
    assert.equal(context.traceState, undefined);
  });

  it('begins a trace of its own where the header is missing, malformed or doubtful', () => {
    assert.equal(readTraceContext({}), undefined);
    assert.equal(readTraceContext({ traceparent: 'nonsense' }), undefined);
    assert.equal(readTraceContext({ traceparent: [traceparent, traceparent] }), undefined);
    assert.equal(readTraceContext({ tracestate: 'a=1' }), undefined);
  });
});
