import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countSpans } from '../../../bench/trace-count.ts';

/** A length-delimited protobuf field. */
function field(number: number, content: Buffer): Buffer {
  const length = content.length < 128 ? [content.length] : [(content.length & 0x7f) | 0x80, content.length >>> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
}

const span = Buffer.concat([
  field(1, Buffer.alloc(16, 1)),
  Buffer.from([0x39]),
  Buffer.alloc(8),
  field(5, Buffer.alloc(90, 65)),
]);
const scope = Buffer.concat([field(1, Buffer.from('x')), field(2, span), field(2, span)]);
const resource = Buffer.concat([field(1, Buffer.from('r')), field(2, scope), field(2, scope)]);

describe('span counter of the trace sink', () => {
  it('counts the spans of all scopes and resources in protobuf', () => {
    const body = Buffer.concat([field(1, resource), field(1, resource)]);
    assert.equal(countSpans(body, 'application/x-protobuf'), 8);
  });

  it('counts spans in JSON', () => {
    const spans = [{ spanId: 'a' }, { spanId: 'b' }];
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    assert.equal(countSpans(Buffer.from(body), 'application/json'), 2);
  });

  it('refuses bytes that end within a number', () => {
    assert.throws(() => countSpans(Buffer.from([0x8a]), 'application/x-protobuf'), { reason: 'protocol_error' });
  });
});
