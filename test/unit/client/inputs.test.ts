import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Inputs, openSource } from '../../../client/inputs.ts';
import { Document, DocumentArray } from '../../../core/index.ts';

async function cut(inputs: Inputs, size: number): Promise<string[][]> {
  const source = await openSource(inputs);
  const requests: string[][] = [];
  for (let docs = await source.next(size); docs !== undefined; docs = await source.next(size)) {
    requests.push([...docs].map((doc) => doc.text ?? ''));
  }
  return requests;
}

function* letters(text: string): Generator<string> {
  yield* text;
}

async function* lettersLater(text: string): AsyncGenerator<string> {
  for (const letter of text) yield await Promise.resolve(letter);
}

describe('inputs of a post', () => {
  it('makes one request without documents of nothing and of an empty list', async () => {
    assert.deepEqual(await cut(undefined, 2), [[]]);
    assert.deepEqual(await cut([], 2), [[]]);
    assert.deepEqual(await cut(new DocumentArray(), 2), [[]]);
  });

  it('makes no request of an iterator without items', async () => {
    assert.deepEqual(await cut(letters(''), 2), []);
    assert.deepEqual(await cut(lettersLater(''), 2), []);
    assert.deepEqual(await cut(new Set<string>(), 2), []);
  });

  it('takes a text, fields or a document as one document', async () => {
    assert.deepEqual(await cut('cat', 2), [['cat']]);
    assert.deepEqual(await cut({ text: 'cat' }, 2), [['cat']]);
    assert.deepEqual(await cut(new Document({ text: 'cat' }), 2), [['cat']]);
  });

  it('cuts lists, iterators, streams and what functions give into requests', async () => {
    const expected = [['a', 'b'], ['c', 'd'], ['e']];
    const given: Inputs[] = [
      Array.from('abcde'),
      DocumentArray.fromInputs('abcde'),
      letters('abcde'),
      lettersLater('abcde'),
      new Set('abcde'),
      Readable.from(Array.from('abcde')),
      ReadableStream.from(Array.from('abcde')),
      () => Array.from('abcde'),
      () => lettersLater('abcde'),
      () => Promise.resolve(Array.from('abcde')),
    ];
    for (const inputs of given) assert.deepEqual(await cut(inputs, 2), expected);
  });

  it('puts everything in one request for an endless size', async () => {
    assert.deepEqual(await cut(Array.from('abc'), Infinity), [['a', 'b', 'c']]);
    assert.deepEqual(await cut(letters('abc'), Infinity), [['a', 'b', 'c']]);
  });

  it('keeps every document once and in order, whatever the size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string()), fc.integer({ min: 1, max: 9 }), async (texts, size) => {
        const requests = await cut(texts.values(), size);
        assert.deepEqual(requests.flat(), texts);
        assert.ok(requests.slice(0, -1).every((request) => request.length === size));
      }),
    );
  });

  it('knows how many documents a list has before it is read', async () => {
    assert.equal((await openSource(Array.from('abc'))).total, 3);
    assert.equal((await openSource('abc')).total, 1);
    assert.equal((await openSource(letters('abc'))).total, undefined);
  });

  it('reads no item beyond the request it makes', async () => {
    let pulled = 0;
    const source = await openSource(
      (function* () {
        for (;;) yield `text ${pulled++}`;
      })(),
    );
    await source.next(3);
    assert.equal(pulled, 3);
    await source.close();
  });

  it('says which item is no document and what it is', async () => {
    const numbers = [1, 2] as unknown as string[];
    await assert.rejects(cut(numbers, 2), {
      reason: 'invalid_argument',
      message: 'inputs: item 0: expected a text, a document or its fields, got the number 1',
    });
    const bytes = Readable.from([Buffer.from('abc')], { objectMode: false });
    await assert.rejects(cut(bytes, 2), /item 0: expected .* got bytes \(is it a stream in object mode\?\)/);
  });

  it("passes an error of the caller's iterator on as the cause", async () => {
    const broken = new RangeError('disk on fire');
    const failing = (function* (): Generator<string> {
      yield 'a';
      throw broken;
    })();
    await assert.rejects(cut(failing, 2), (error: Error) => {
      assert.match(error.message, /reading the inputs failed: disk on fire/);
      assert.equal(error.cause, broken);
      return true;
    });
  });

  it('closes an iterator that is not read to its end', async () => {
    let isClosed = false;
    const source = await openSource(
      (function* () {
        try {
          yield 'a';
          yield 'b';
        } finally {
          isClosed = true;
        }
      })(),
    );
    await source.next(1);
    await source.close();
    assert.equal(isClosed, true);
  });

  it('destroys a stream that has nothing to give, without waiting for it', async () => {
    const stream = new Readable({ objectMode: true, read: () => undefined });
    const source = await openSource(stream);
    const reading = source.next(1);
    await source.close();
    assert.equal(stream.destroyed, true);
    await assert.rejects(reading, { reason: 'invalid_argument' });
  });

  it('does not wait for a generator that is busy', async () => {
    const source = await openSource(
      (async function* () {
        yield await new Promise<string>(() => undefined);
      })(),
    );
    void source.next(1);
    await source.close();
  });

  it('cancels a web stream', async () => {
    let isCancelled = false;
    const stream = new ReadableStream<string>({
      start: (controller) => controller.enqueue('a'),
      cancel: () => {
        isCancelled = true;
      },
    });
    const source = await openSource(stream);
    await source.next(1);
    await source.close();
    assert.equal(isCancelled, true);
  });
});
