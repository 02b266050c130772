import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { startProgress } from '../../../client/progress.ts';

/** A terminal that remembers what is drawn on it. */
function terminal(isTTY: boolean): { stream: NodeJS.WriteStream; drawn: () => string } {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  let drawn = '';
  stream.on('data', (chunk: Buffer) => {
    drawn += chunk.toString();
  });
  Object.assign(stream, { isTTY, columns: 200, cursorTo: () => true, clearLine: () => true });
  return { stream, drawn: () => drawn };
}

describe('progress of a post', () => {
  it('draws a bar, the rate and the time left on a terminal', () => {
    const { stream, drawn } = terminal(true);
    const progress = startProgress('/encode', 40, stream);
    progress.advance(10);
    progress.stop();
    assert.match(drawn(), /[█=].*\/encode 10 documents, \d+(\.\d)?\/s of 40, \S+ left/);
  });

  it('draws no bar where the total is not known', () => {
    const { stream, drawn } = terminal(true);
    const progress = startProgress('/encode', undefined, stream);
    progress.advance(10);
    progress.stop();
    assert.match(drawn(), /\/encode 10 documents, \d+(\.\d)?\/s/);
    assert.doesNotMatch(drawn(), /left|█/);
  });

  it('draws nothing where there is no terminal', () => {
    const { stream, drawn } = terminal(false);
    const progress = startProgress('/encode', 40, stream);
    progress.advance(40);
    progress.stop();
    assert.equal(drawn(), '');
  });
});
