import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MarkedRequest, markPlaceholder } from '../../../bench/request-body.ts';

const url = new URL('http://127.0.0.1:8080/post');

describe('marked request', () => {
  it('is an HTTP request whose length is that of its body', () => {
    const request = new MarkedRequest(url, `{"text":"é ${markPlaceholder}"}`, 'a');
    const [head = '', body = ''] = request.bytes.toString().split('\r\n\r\n');
    assert.match(head, /^POST \/post HTTP\/1\.1\r\nhost: 127\.0\.0\.1:8080\r\n/);
    assert.match(head, new RegExp(`content-length: ${Buffer.byteLength(body)}`));
  });

  it('carries another mark for each number and each sender', () => {
    const marks = ['a', 'b'].flatMap((sender) => {
      const request = new MarkedRequest(url, `{"text":"${markPlaceholder}"}`, sender);
      return [0, 9, 10, 1_234_567].map((serial) => {
        request.number(serial);
        assert.ok(request.bytes.includes(`"${request.mark.toString()}"`));
        return request.mark.toString();
      });
    });
    assert.equal(new Set(marks).size, 8);
    assert.equal(marks.at(-1), 'xxxxb-0001234567');
  });

  it('refuses a body without the place for the mark, or with two', () => {
    assert.throws(() => new MarkedRequest(url, '{}', 'a'), { reason: 'invalid_argument' });
    assert.throws(() => new MarkedRequest(url, markPlaceholder.repeat(2), 'a'), { reason: 'invalid_argument' });
  });
});
