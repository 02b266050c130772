import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Document, Tensor } from '../../core/index.ts';
import { bruteForce } from '../../examples/retrieval/evaluation.ts';
import { missingFiles, readDataSet } from '../../jobs/index.ts';

describe('A data set in BEIR layout', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-data-'));
    mkdirSync(path.join(folder, 'qrels'));
    const write = (file: string, lines: readonly string[]): void =>
      writeFileSync(path.join(folder, file), `${lines.join('\n')}\n`);
    write('corpus.jsonl', [
      '{"_id":"1","title":"One","text":"first","year":"2001"}',
      '{"_id":"2","title":"","text":"second","year":null}',
    ]);
    write('queries.jsonl', ['{"_id":"q1","text":"a?"}', '{"_id":"q2","text":"b?"}', '{"_id":"q3","text":"no answer"}']);
    write('qrels/test.tsv', ['query-id\tcorpus-id\tscore', 'q1\t2\t1', 'q2\t1\t1', 'q2\t2\t0']);
    write('README.md', ['# data', 'Floor (BM25): R@1 95.20, R@10 98.60, MRR@10 0.9663, nDCG@10 0.9713.']);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('is read with the questions that have an answer', () => {
    const { corpus, queries, relevant, floor } = readDataSet(folder);
    assert.deepEqual(
      corpus.map(({ id, text, tags }) => [id, text, tags]),
      [
        ['1', 'One first', { year: 2001 }],
        ['2', 'second', undefined],
      ],
    );
    assert.deepEqual(
      queries.map(({ id }) => id),
      ['q1', 'q2'],
    );
    assert.deepEqual([...(relevant.get('q2') ?? [])], [['1', 1]]);
    assert.deepEqual(Object.fromEntries(floor), { 1: 95.2, 10: 98.6 });
  });

  it('is cut to the texts that its first questions need', () => {
    assert.deepEqual(
      readDataSet(folder, 1).corpus.map(({ id }) => id),
      ['2'],
    );
  });

  it('names the files that are missing', () => {
    assert.deepEqual(missingFiles(path.join(folder, 'qrels')), ['corpus.jsonl', 'queries.jsonl', 'qrels/test.tsv']);
    assert.deepEqual(missingFiles(folder), []);
  });
});

describe('The reference of the retrieval example', () => {
  it('is the nearest by cosine, whatever the lengths', () => {
    const doc = (id: string, values: number[]): Document => new Document({ id, embedding: Tensor.vector(values) });
    const found = bruteForce([doc('q', [2, 0])], [doc('far', [0, 9]), doc('near', [1, 0.1]), doc('mid', [50, 50])], 2);
    assert.deepEqual(found.get('q'), ['near', 'mid']);
  });
});
