import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  canonicalJson,
  FlowError,
  formatTraceparent,
  type Json,
  parseDuration,
  parseTraceparent,
  reasons,
  rootCause,
} from '../../../core/index.ts';

describe('durations', () => {
  const known: [string, number | undefined][] = [
    ['5ms', 5],
    ['2s', 2_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    [' 10 ms ', 10],
    ['5', undefined],
    ['-5ms', undefined],
    ['5 days', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of known) {
    it(`${JSON.stringify(text)} is ${expected === undefined ? 'no duration' : `${expected} ms`}`, () => {
      assert.equal(parseDuration(text), expected);
    });
  }
});

describe('trace context', () => {
  const header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it('is read from a traceparent header and written back the same', () => {
    const context = parseTraceparent(header, 'vendor=1');
    assert.deepEqual(context, {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      isSampled: true,
      traceState: 'vendor=1',
    });
    assert.equal(formatTraceparent(context), header);
  });

  for (const bad of [
    undefined,
    '',
    'garbage',
    header.replace('0af7', 'zzzz'),
    header.replace(/0af.*9c/, '0'.repeat(32)),
    `ff${header.slice(2)}`,
    `${header}-extra`,
  ]) {
    it(`ignores ${String(bad)}`, () => {
      assert.equal(parseTraceparent(bad), undefined);
    });
  }

  it('takes a header of a later version', () => {
    assert.ok(parseTraceparent(`01${header.slice(2)}-extra`) !== undefined);
  });
});

describe('canonical JSON', () => {
  it('is the same for the same value, whatever the order of its keys', () => {
    fc.assert(
      fc.property(fc.jsonValue() as fc.Arbitrary<Json>, (value) => {
        assert.equal(canonicalJson(reversed(value)), canonicalJson(value));
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

describe('FlowError', () => {
  it('takes its code and whether it can be tried again from its reason', () => {
    const error = new FlowError('queue_full', 'full');
    assert.equal(error.code, 'resource_exhausted');
    assert.equal(error.isRetryable, true);
  });

  it('keeps an error of ours and wraps a foreign one with its name and message', () => {
    const own = new FlowError('cancelled', 'gone');
    assert.equal(FlowError.from(own), own);
    const wrapped = FlowError.from(new RangeError('too far'), 'invalid_argument', 'cannot read it');
    assert.equal(wrapped.message, 'cannot read it: too far');
    assert.deepEqual(wrapped.exception, { name: 'RangeError', args: ['too far'], executor: '' });
  });

  it('knows the first of its causes', () => {
    const root = new Error('root');
    const error = new FlowError('internal', 'outer', { cause: new Error('middle', { cause: root }) });
    assert.equal(rootCause(error), root);
  });

  it('takes anything that can be thrown', () => {
    assert.equal(FlowError.from('text').message, 'text');
    assert.equal(FlowError.from(undefined).message, 'undefined');
  });

  it('has a meaning for every reason', () => {
    for (const [reason, { meaning }] of Object.entries(reasons)) assert.ok(meaning.endsWith('.'), reason);
  });
});
