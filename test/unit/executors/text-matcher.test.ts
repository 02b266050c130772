import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Document, DocumentArray, type DocumentFields, type JsonObject } from '../../../core/index.ts';
import { TextMatcher } from '../../../executors/text-matcher/index.ts';
import { queryTermsOf, termsOf } from '../../../executors/text-matcher/words.ts';
import { executorContext, RecordedCall } from '../../fixtures/contexts/executor-context.ts';

describe('The words of a text', () => {
  it('are lower-cased runs of letters and digits, in one form of width', () => {
    assert.deepEqual(termsOf('Don’t STOP: ﬁve Ｃａｔｓ, covid-19!'), [
      'don',
      't',
      'stop',
      'five',
      'cats',
      'covid',
      '19',
    ]);
  });

  it('are pairs of characters in Chinese, and the last one alone', () => {
    assert.deepEqual(termsOf('头痛怎么办？CT检查'), ['头痛', '痛怎', '怎么', '么办', '办', 'ct', '检查', '查']);
    assert.deepEqual(termsOf('𠮷野家'), ['𠮷野', '野家', '家']);
  });

  it('of a query are pairs alone, or one character that begins a term', () => {
    assert.deepEqual(
      queryTermsOf('猫 cat 黑猫').map(({ term, isPrefix }) => (isPrefix ? `${term}*` : term)),
      ['猫*', 'cat', '黑猫'],
    );
  });
});

describe('TextMatcher', () => {
  let workspace: string;
  let open: TextMatcher[];

  beforeEach(() => {
    workspace = mkdtempSync(path.join(tmpdir(), 'sluice-text-matcher-'));
    open = [];
  });
  afterEach(() => {
    for (const matcher of open) matcher.close();
    rmSync(workspace, { recursive: true });
  });

  function start(options: JsonObject = {}): TextMatcher {
    const matcher = new TextMatcher(TextMatcher.options.parse(options), executorContext({ workspace }));
    open.push(matcher);
    matcher.init();
    return matcher;
  }

  function list(inputs: readonly DocumentFields[], parameters: JsonObject = {}) {
    const docs = DocumentArray.fromInputs(inputs);
    return { docs, call: new RecordedCall('/test', docs, [{ rows: docs.length, parameters }]) };
  }

  function index(matcher: TextMatcher, texts: Record<string, string>): void {
    const { docs, call } = list(Object.entries(texts).map(([id, text]) => ({ id, text })));
    matcher.index(docs, call);
  }

  function search(matcher: TextMatcher, text: string, parameters: JsonObject = {}): readonly Document[] {
    const { docs, call } = list([{ text }], parameters);
    matcher.search(docs, call);
    for (const error of call.failures.values()) throw error;
    assert.ok(docs[0]?.matches);
    return docs[0].matches;
  }

  const ids = (docs: readonly Document[]): string[] => docs.map(({ id }) => id);

  it('scores as BM25 by its definition', () => {
    const matcher = start();
    const random = seededNumbers(7);
    const word = (): string => `w${Math.floor(random() ** 2 * 40)}`;
    const texts = Array.from({ length: 60 }, () => Array.from({ length: 3 + Math.floor(random() * 30) }, word));
    index(matcher, Object.fromEntries(texts.map((words, id) => [`d${id}`, words.join(' ')])));
    for (let trial = 0; trial < 20; trial++) {
      const query = [word(), word(), word(), 'absent'];
      const expected = bm25(texts, query);
      const found = search(matcher, query.join(' '), { limit: 60 });
      assert.equal(found.length, expected.filter((score) => score > 0).length);
      found.forEach(({ id, scores }, place) => {
        const score = scores?.['bm25']?.value ?? NaN;
        assert.ok(Math.abs(score - (expected[Number(id.slice(1))] ?? NaN)) < 1e-6 * Math.max(1, score));
        assert.ok(score <= (found[place - 1]?.scores?.['bm25']?.value ?? Infinity), 'best first');
      });
    }
  });

  it('finds a single Chinese character wherever it stands', () => {
    const matcher = start();
    index(matcher, { first: '猫在家', middle: '一只猫跑了', last: '我有黑猫', alone: '猫', none: '小狗' });
    assert.deepEqual(ids(search(matcher, '猫')).sort(), ['alone', 'first', 'last', 'middle']);
    assert.deepEqual(ids(search(matcher, '黑猫')), ['last']);
    assert.deepEqual(ids(search(matcher, '狗')), ['none']);
  });

  it('takes every text as words, never as an expression', () => {
    const matcher = start();
    index(matcher, { a: 'either or not near', b: 'a plain text' });
    for (const text of ['"', 'NOT (a', 'terms:x', 'x*', "o'r", '^ - + NEAR(', '\0', '']) search(matcher, text);
    assert.deepEqual(ids(search(matcher, 'OR')), ['a']);
  });

  it('replaces, changes and removes what its words find', () => {
    const matcher = start();
    index(matcher, { a: 'red apple', b: 'green pear' });
    index(matcher, { a: 'yellow banana' });
    assert.deepEqual(ids(search(matcher, 'apple')), []);
    const { docs, call } = list([
      { id: 'b', tags: { kind: 'fruit' } },
      { id: 'a', text: 'black cherry' },
    ]);
    matcher.update(docs, call);
    assert.deepEqual(search(matcher, 'pear')[0]?.tags, { kind: 'fruit' });
    assert.deepEqual([ids(search(matcher, 'banana')), ids(search(matcher, 'cherry'))], [[], ['a']]);
    const removed = list([{ id: 'a' }, { id: 'unknown' }]);
    assert.deepEqual(matcher.delete(removed.docs, removed.call), { deleted: 1, documents: 1 });
    assert.deepEqual(ids(search(matcher, 'cherry')), []);
    const missing = list([{ id: 'a', text: 'x' }]);
    assert.throws(() => {
      matcher.update(missing.docs, missing.call);
    }, /the index has no document a/);
  });

  it('keeps documents without text, which no word finds, and answers a query without text with nothing', () => {
    const matcher = start();
    const { docs, call } = list([{ id: 'picture', blob: new Uint8Array([1]), tags: { kind: 'png' } }]);
    matcher.index(docs, call);
    assert.deepEqual(matcher.status(), { documents: 1 });
    assert.equal(search(matcher, 'png').length, 0);
    assert.ok(docs[0]?.blob, 'the answer has what was sent');
    const bare = list([{ blob: new Uint8Array([1]) }]);
    matcher.search(bare.docs, bare.call);
    assert.deepEqual([...(bare.docs[0]?.matches ?? ['no list'])], []);
  });

  it('bounds a search by limit, offset and tags', () => {
    const matcher = start({ limit: 2 });
    const texts = ['cat cat cat', 'cat cat dog', 'cat dog dog', 'dog', 'fox', 'hen', 'owl'];
    const { docs, call } = list(
      texts.map((text, place) => ({ id: `d${place}`, text, tags: { even: place % 2 === 0 } })),
    );
    matcher.index(docs, call);
    assert.deepEqual(ids(search(matcher, 'cat')), ['d0', 'd1']);
    assert.deepEqual(ids(search(matcher, 'cat', { limit: 1, offset: 1 })), ['d1']);
    assert.deepEqual(ids(search(matcher, 'cat', { filter: { even: true } })), ['d0', 'd2']);
    assert.throws(() => search(matcher, 'cat', { limit: 'many' }), /parameter limit/);
  });

  it('gives a ranker its candidates from the first, whatever the caller wants of the whole', () => {
    const matcher = start({ candidates: 3 });
    index(matcher, { a: 'x x x', b: 'x x y', c: 'x y y', d: 'x y y y', e: 'z', f: 'z', g: 'z', h: 'z', i: 'z' });
    assert.deepEqual(ids(search(matcher, 'x', { limit: 1, offset: 1 })), ['a', 'b', 'c']);
    assert.deepEqual(ids(search(matcher, 'x', { limit: 2, offset: 2 })), ['a', 'b', 'c', 'd']);
  });

  it('has everything again after a restart', () => {
    const matcher = start();
    index(matcher, { a: 'kept words', b: 'other words' });
    matcher.close();
    open = [];
    const [match] = search(start(), 'kept');
    assert.equal(match?.id, 'a');
    assert.equal(match.text, 'kept words');
  });
});

/** BM25 of each text as SQLite defines it: k1 1.2, b 0.75, and an inverse frequency of at least a millionth. */
function bm25(texts: readonly (readonly string[])[], query: readonly string[]): number[] {
  const average = texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
  return texts.map((words) =>
    query.reduce((score, term) => {
      const frequency = words.filter((word) => word === term).length;
      const having = texts.filter((each) => each.includes(term)).length;
      const rarity = Math.max(Math.log((texts.length - having + 0.5) / (having + 0.5)), 1e-6);
      return score + (rarity * frequency * 2.2) / (frequency + 1.2 * (0.25 + (0.75 * words.length) / average));
    }, 0),
  );
}

/** Numbers from 0 to 1, the same for a seed. */
function seededNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
