import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AnswerParser, parseAnswer } from '../../../bench/answer-parser.ts';

const fixed = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const chunked =
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;name=x\r\nlo\r\n0\r\nend: 1\r\n\r\n';

describe('HTTP answer parser of the load generator', () => {
  for (const [kind, text] of Object.entries({ fixed, chunked })) {
    it(`puts a ${kind} answer together wherever its bytes are cut`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(text.length)), (cuts) => {
          const parser = new AnswerParser();
          const edges = [0, ...cuts, text.length].sort((a, b) => a - b);
          const answers = edges.flatMap((start, index) => {
            const part = Buffer.from(text.slice(start, edges[index + 1] ?? text.length));
            const answer = part.length === 0 ? undefined : parser.push(part);
            const body = answer?.body.toString();
            // The socket's buffer is used again for the next read.
            part.fill(0);
            return body === undefined ? [] : [body];
          });
          assert.deepEqual(answers, ['hello']);
        }),
      );
    });
  }

  it('reads one answer after another', () => {
    const parser = new AnswerParser();
    assert.equal(parser.push(Buffer.from(fixed))?.body.toString(), 'hello');
    assert.equal(parser.push(Buffer.from(chunked))?.body.toString(), 'hello');
  });

  it('tells how many bytes a fixed answer needs', () => {
    assert.deepEqual(parseAnswer(Buffer.from(fixed.slice(0, -2))), { type: 'partial', needed: fixed.length });
  });

  it('reads the status and that the server closes', () => {
    const answer = new AnswerParser().push(
      Buffer.from('HTTP/1.1 503 Busy\r\nConnection: close\r\ncontent-length: 0\r\n\r\n'),
    );
    assert.equal(answer?.status, 503);
    assert.equal(answer.closes, true);
  });

  it('takes 204 without a body', () => {
    assert.equal(new AnswerParser().push(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'))?.status, 204);
  });

  it('refuses what is no HTTP', () => {
    assert.throws(() => parseAnswer(Buffer.from('SSH-2.0-x\r\n\r\n')), { reason: 'protocol_error' });
  });

  it('refuses an answer whose end only the end of the connection shows', () => {
    assert.throws(() => parseAnswer(Buffer.from('HTTP/1.1 200 OK\r\n\r\nhello')), { reason: 'protocol_error' });
  });

  it('refuses a chunk without a size', () => {
    const text = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n';
    assert.throws(() => parseAnswer(Buffer.from(text)), { reason: 'protocol_error' });
  });

  it('refuses bytes after the answer', () => {
    assert.throws(() => new AnswerParser().push(Buffer.from(`${fixed}HTTP/1.1`)), { reason: 'protocol_error' });
  });
});
