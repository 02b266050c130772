import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readJudgements, readRun, readTexts } from '../../../jobs/index.ts';
import { appendRun, resumeRun } from '../../../jobs/run-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-jobs-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('A run file', () => {
  const results = [
    {
      query: 'q1',
      matches: [
        { id: 'b', score: 2.5 },
        { id: 'a', score: 1 },
      ],
    },
    { query: 'q2', matches: [] },
  ];

  it('has the form of TREC and is read as it was written', () => {
    const file = path.join(folder, 'run.trec');
    appendRun(file, results);
    assert.match(readFileSync(file, 'utf8'), /^q1 Q0 b 1 2\.5 sluice\nq1 Q0 a 2 1 sluice\n\n/);
    assert.deepEqual(
      [...readRun(file)],
      [
        ['q1', ['b', 'a']],
        ['q2', []],
      ],
    );
  });

  it('is gone on with after the last query that is whole', () => {
    const file = path.join(folder, 'run.trec');
    assert.equal(resumeRun(file).size, 0);
    appendRun(file, results);
    const whole = readFileSync(file, 'utf8');
    for (const cut of ['q3 Q0 c', 'q3 Q0 c 1 3 sluice\n', 'q']) {
      writeFileSync(file, whole + cut);
      assert.deepEqual([...resumeRun(file).keys()], ['q1', 'q2']);
      assert.equal(readFileSync(file, 'utf8'), whole);
    }
    writeFileSync(file, 'q1 Q0 b 1 2.5 slu');
    assert.equal(resumeRun(file).size, 0);
    assert.equal(readFileSync(file, 'utf8'), '');
  });

  it('refuses ids that would not be read back', () => {
    const spaced = [{ query: 'q1', matches: [{ id: 'a b', score: 1 }] }];
    assert.throws(() => {
      appendRun(path.join(folder, 'run.trec'), spaced);
    }, /ids without white space, got "a b"/);
  });

  it('names the line that cannot be read, and the file that is not there', () => {
    assert.throws(
      () => readRun(write('bad.trec', 'q1 Q0 a 1 2 tag\nq1 a\n')),
      /bad\.trec:2: expected six fields .*got 2/,
    );
    assert.throws(() => readRun(path.join(folder, 'none')), { reason: 'file_not_found' });
  });
});

describe('Judgements', () => {
  it('are read from the forms of BEIR and TREC, without those that say no', () => {
    const expected = [['q1', [['a', 2]]]];
    const beir = write('beir.tsv', 'query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t0\n');
    const trec = write('trec.txt', 'q1 0 a 2\nq1 0 b -1\n');
    for (const file of [beir, trec]) {
      assert.deepEqual(
        [...readJudgements(file)].map(([query, judged]) => [query, [...judged]]),
        expected,
      );
    }
    assert.throws(
      () => readJudgements(write('bad.tsv', 'q1\ta\t1\nq1\ta\n')),
      /bad\.tsv:2: expected query, text and grade/,
    );
  });
});

describe('Texts', () => {
  it('are read from the fields that are named', () => {
    const file = write('texts.jsonl', '{"id":"a","question":"why","answer":"so"}\n');
    assert.equal(readTexts(file, ['question', 'answer'])[0]?.text, 'why so');
    assert.throws(() => readTexts(file), /texts\.jsonl:1: expected _id and title or text/);
    assert.throws(() => readTexts(write('broken.jsonl', '{"_id"')), /broken\.jsonl:1: expected JSON/);
  });
});
