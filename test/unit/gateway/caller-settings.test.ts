import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError } from '../../../core/index.ts';
import { readCallerSettings } from '../../../gateway/caller-settings.ts';

describe('readCallerSettings', () => {
  it('knows neither deadline nor trace where the caller says nothing, and takes priority 0', () => {
    assert.deepEqual(readCallerSettings({}), { timeoutMs: undefined, priority: 0, trace: undefined });
  });

  it('reads a duration or milliseconds', () => {
    for (const [text, timeoutMs] of [
      ['2s', 2000],
      ['1.5m', 90_000],
      ['250', 250],
      ['0.5', 0.5],
    ] as const) {
      assert.equal(readCallerSettings({ 'x-sluice-timeout': text }).timeoutMs, timeoutMs);
    }
  });

  it('cuts priorities off where they would starve others', () => {
    assert.equal(readCallerSettings({ 'x-sluice-priority': '-7' }).priority, -7);
    assert.equal(readCallerSettings({ 'x-sluice-priority': '999999' }).priority, 100);
    assert.equal(readCallerSettings({ 'x-sluice-priority': '-999999' }).priority, -100);
  });

  it('names the header, what it expected and what came', () => {
    for (const [key, value, expected] of [
      ['x-sluice-timeout', 'soon', /x-sluice-timeout: expected a duration .*, got "soon"/],
      ['x-sluice-timeout', '0', /above 0, got "0"/],
      ['x-sluice-priority', '1.5', /x-sluice-priority: expected an integer, got "1.5"/],
    ] as const) {
      assert.throws(
        () => readCallerSettings({ [key]: value }),
        (error) => {
          assert.ok(error instanceof FlowError);
          assert.equal(error.reason, 'invalid_argument');
          assert.match(error.message, expected);
          assert.deepEqual(error.details['loc'], [key]);
          return true;
        },
      );
    }
  });

  it('takes the trace context', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { trace } = readCallerSettings({ traceparent, tracestate: 'a=1' });
    assert.equal(trace?.traceId, '0af7651916cd43dd8448eb211c80319c');
    assert.equal(trace.traceState, 'a=1');
  });
});
