import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closeError } from '../../../../client/websocket/status.ts';

const url = new URL('ws://localhost:51000');

function reasonOf(code: number, isLargest = true): string {
  return closeError({ code, reason: 'why' }, url, true, isLargest).reason;
}

describe('a WebSocket that was closed', () => {
  it('says by its code why requests on it have no answer', () => {
    const expected = {
      1000: 'connection_failed',
      1001: 'draining',
      1003: 'unsupported_media_type',
      1006: 'connection_failed',
      1007: 'invalid_argument',
      1008: 'connection_failed',
      1009: 'request_too_large',
      1011: 'connection_failed',
    };
    for (const [code, reason] of Object.entries(expected)) assert.equal(reasonOf(Number(code)), reason, code);
  });

  it('for a message that is too large blames the largest request alone', () => {
    assert.equal(reasonOf(1009, false), 'connection_failed');
  });

  it('tells the HTTP status of a handshake that was refused', () => {
    const cause = new Error('Unexpected server response: 403');
    const error = closeError({ code: 1006, reason: '', cause }, url, false, true);
    assert.deepEqual([error.reason, error.details], ['connection_failed', { status: 403 }]);
    assert.match(error.message, /^localhost:51000 answered the WebSocket handshake with HTTP 403/);
  });
});
