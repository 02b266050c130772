import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FlowError, type Reason, reasons } from '../../../../core/index.ts';
import { closeCode, closeReason, endsConnection } from '../../../../gateway/websocket/status.ts';

const all = Object.keys(reasons) as Reason[];
const errorOf = (reason: Reason): FlowError => new FlowError(reason, 'why');

describe('close codes', () => {
  it('say what is wrong with a message that is no request, and 1011 for everything else', () => {
    const codes = Object.fromEntries(all.map((reason) => [reason, closeCode(errorOf(reason))]));
    assert.equal(codes['malformed_json'], 1007);
    assert.equal(codes['invalid_argument'], 1007);
    assert.equal(codes['unsupported_media_type'], 1003);
    assert.equal(codes['request_too_large'], 1009);
    // Jina's clients raise a ConnectionError for no other code.
    for (const reason of ['executor_unavailable', 'deadline_exceeded', 'not_ready', 'draining', 'internal']) {
      assert.equal(codes[reason], 1011, reason);
    }
  });
});

describe('a failed request', () => {
  const other = { isNamed: false, hasOwnLimit: false };

  it('closes the connection where Jina does, unless the caller reads messages about it', () => {
    const fatal = all.filter((reason) => endsConnection(errorOf(reason), other));
    assert.deepEqual(fatal.sort(), ['deadline_exceeded', 'draining', 'executor_unavailable', 'not_ready']);
    assert.deepEqual(
      all.filter((reason) => endsConnection(errorOf(reason), { isNamed: true, hasOwnLimit: false })),
      [],
    );
  });

  it('is late alone by a limit of its own', () => {
    const limited = { isNamed: false, hasOwnLimit: true };
    assert.equal(endsConnection(errorOf('deadline_exceeded'), limited), false);
    assert.equal(endsConnection(errorOf('executor_unavailable'), limited), true);
  });
});

describe('the reason of a close frame', () => {
  it('has at most 123 bytes of whole characters, and is the beginning of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const reason = closeReason(text);
        assert.ok(Buffer.byteLength(reason) <= 123);
        assert.ok(Buffer.from(text).toString().startsWith(reason));
        if (Buffer.byteLength(text) > 123) assert.ok(Buffer.byteLength(reason) > 119);
        else assert.equal(reason, text);
      }),
      { endOnFailure: true },
    );
  });
});
