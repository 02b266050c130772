import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CliFolder, readyUrl } from './cli-fixture.ts';

describe('sluice evaluate', () => {
  const folder = new CliFolder();
  const data = ['--corpus', 'corpus.jsonl', '--queries', 'queries.jsonl', '--qrels', 'qrels.tsv'];
  const lines = (entries: readonly object[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

  before(() => {
    folder.writeFlow('words.yml', '  - { name: words, uses: TextMatcher }');
    folder.write(
      'corpus.jsonl',
      lines([
        { _id: 'a', title: 'Cats', text: 'a cat sleeps' },
        { _id: 'b', title: 'Dogs', text: 'a dog barks' },
        { _id: 'c', title: '', text: 'birds sing and a cat listens to them for a very long time' },
        { _id: 'd', title: '', text: 'fish swim' },
        { _id: 'e', title: '', text: 'horses run' },
      ]),
    );
    folder.write(
      'queries.jsonl',
      lines([
        { _id: 'q1', text: 'cat' },
        { _id: 'q2', text: 'barks' },
        { _id: 'q3', text: 'elephants' },
        { _id: 'unjudged', text: 'fish' },
      ]),
    );
    // The second of the cats is the answer; nothing finds the elephants.
    folder.write('qrels.tsv', 'query-id\tcorpus-id\tscore\nq1\tc\t1\nq2\tb\t1\nq3\te\t1\n');
  });
  after(() => folder.remove());

  function values(stdout: string): Record<string, number> {
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; name: string; depth: number; value: number });
    return Object.fromEntries(
      records.flatMap(({ type, name, depth, value }) => (type === 'metric' ? [[`${name}@${depth}`, value]] : [])),
    );
  }

  it('starts the flow, indexes, asks and measures; then the file of the run says the same', async () => {
    const run = await folder.run('--json', 'evaluate', 'words.yml', ...data, '--at', '1,2', '--run', 'words.trec');
    assert.equal(run.code, 0, run.stderr);
    const third = 1 / 3;
    const found = values(run.stdout);
    assert.deepEqual(found, {
      'recall@1': third,
      'recall@2': 2 / 3,
      'mrr@1': third,
      'mrr@2': 0.5,
      'ndcg@1': third,
      'ndcg@2': (1 + 1 / Math.log2(3)) / 3,
      'map@1': third,
      'map@2': 0.5,
    });
    const again = await folder.run('--json', 'evaluate', '--qrels', 'qrels.tsv', '--run', 'words.trec', '--at', '1,2');
    assert.deepEqual(values(again.stdout), found);
  });

  it('asks a running flow only what its run file lacks, and compares two runs', async () => {
    const up = folder.start('--json', 'up', 'words.yml');
    const url = await readyUrl(up);
    // What is in the file already is believed: the answer of q1 stands first there.
    writeFileSync(path.join(folder.path, 'half.trec'), 'q1 Q0 c 1 9 other\n\nq2 Q0 b 1 ');
    const run = await folder.run(
      'evaluate',
      url,
      ...data,
      '--at',
      '1',
      '--run',
      'half.trec',
      '--compare',
      'words.trec',
    );
    assert.equal(run.code, 0, run.stderr);
    assert.match(
      run.stdout,
      /^recall@1 +0\.6667 +\+0\.3333 than the other run, 95 % in \+0\.0000 to \+1\.0000, p 0\.\d+$/m,
    );
    assert.match(run.stdout, /^3 queries$/m);
    const queries = readFileSync(path.join(folder.path, 'half.trec'), 'utf8').match(/^\S+(?= Q0)/gm);
    assert.deepEqual([...new Set(queries)].sort(), ['q1', 'q2', 'q3']);
  });

  it('says what is missing or wrong', async () => {
    const none = await folder.run('evaluate', '--qrels', 'qrels.tsv');
    assert.equal(none.code, 1);
    assert.match(none.stderr, /evaluate needs --run, or a flow/);
    const depth = await folder.run('evaluate', 'words.yml', '--qrels', 'qrels.tsv', '--at', '0');
    assert.equal(depth.code, 2);
    assert.match(depth.stderr, /Whole numbers of at least 1/);
    const file = await folder.run('evaluate', '--qrels', 'none.tsv', '--run', 'words.trec');
    assert.match(file.stderr, /cannot read none\.tsv/);
  });
});
