import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Client, type Document } from '../../client/index.ts';
import { isObject } from '../../core/index.ts';
import { CliFolder, fixture, readyUrl } from './cli-fixture.ts';
import { parseRecord, parseRecords } from './running-command.ts';

const index = '  - { name: indexer, uses: Indexer }';

/** Every document that an index has, by id; the flow is run for it. */
async function indexed(folder: CliFolder, flow: string): Promise<Map<string, Document>> {
  const up = folder.start('--json', 'up', flow);
  const client = new Client({ host: await readyUrl(up) });
  const docs = await client.post('/fetch', undefined, { parameters: { limit: 10_000 } });
  await client.close();
  up.signal('SIGTERM');
  await up.ended();
  return new Map(docs.map((doc) => [doc.id, doc]));
}

/** How the job says that it ended. */
function lastRecord(stdout: string): Record<string, unknown> {
  return parseRecords(stdout).find(({ type }) => type === 'done') ?? {};
}

describe('sluice index', () => {
  let folder: CliFolder;
  before(() => {
    folder = new CliFolder();
  });
  after(async () => {
    await folder.remove();
  });

  it('indexes every row exactly once in the end when it is killed with SIGKILL and started again', async () => {
    folder.writeFlow('killed.yml', index, 'port: 0, workspace: killed');
    const count = 600;
    const rows = Array.from({ length: count }, (_, row) =>
      row % 100 === 50 ? 'no JSON' : JSON.stringify({ text: `row ${row}`, embedding: [row, 1, 2], n: row }),
    );
    folder.write('rows.jsonl', `${rows.join('\n')}\n`);
    const args = ['--json', 'index', 'killed.yml', 'rows.jsonl', '--batch-size', '2'];
    const state = ['--state', 'state.json', '--bad-rows', 'bad.jsonl'];
    const first = folder.start(...args, ...state);
    const stateFile = path.join(folder.path, 'state.json');
    const acknowledged = () => Number(existsSync(stateFile) ? parseRecord(readFileSync(stateFile, 'utf8'))['rows'] : 0);
    // What another process wrote is no event.
    while (acknowledged() < 120) await sleep(2);
    first.signal('SIGKILL');
    assert.equal((await first.ended()).signal, 'SIGKILL');
    const before = acknowledged();
    assert.ok(before < count, 'it was killed before its end');

    const second = await folder.run(...args, ...state);
    assert.equal(second.code, 5, second.stderr);
    const start = parseRecords(second.stdout).find(({ type }) => type === 'start');
    assert.equal(start?.['rows'], before);
    const { type, rows: done, indexed: good, bad } = lastRecord(second.stdout);
    assert.deepEqual({ type, done, good, bad }, { type: 'done', done: count, good: count - 6, bad: 6 });
    const lines = parseRecords(readFileSync(path.join(folder.path, 'bad.jsonl'), 'utf8')).map(({ line }) => line);
    assert.deepEqual(lines, [51, 151, 251, 351, 451, 551]);
    assert.equal(existsSync(stateFile), false);

    const docs = await indexed(folder, 'killed.yml');
    assert.equal(docs.size, count - 6);
    const numbers = [...docs.values()].map(({ tags }) => Number(tags?.['n'])).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: count }, (_, row) => row).filter((row) => row % 100 !== 50),
    );
  });

  it('reads packed CSV by named columns, and leaves out the rows that the flow refuses, alone', async () => {
    folder.writeFlow('csv.yml', `  - { name: letters, uses: '${fixture('letters.ts')}' }`);
    const csv = 'key,title,colour,size\n1,"a, quoted\ntitle",red,3\n2,poison,blue,4\n3,short\n4,fine,green,5\n5,,x,1\n';
    writeFileSync(path.join(folder.path, 'rows.csv.gz'), gzipSync(csv));
    const columns = ['--id', 'key', '--text', 'title', '--tags', 'colour'];
    const { code, stdout } = await folder.run(
      ...['--json', 'index', 'csv.yml', 'rows.csv.gz', '--endpoint', '/encode', ...columns],
    );
    assert.equal(code, 5);
    const { rows, indexed: good, report } = lastRecord(stdout);
    assert.deepEqual([rows, good], [5, 2]);
    const bad = parseRecords(readFileSync(String(report), 'utf8'));
    assert.deepEqual(bad.map(({ line, reason }) => [line, reason]).sort(), [
      [4, 'executor_error'],
      [5, 'invalid_argument'],
      [7, 'invalid_argument'],
    ]);
    assert.match(JSON.stringify(bad), /this text cannot be embedded/);
  });

  it('sends pictures with their type and path to the URL of a running flow', async () => {
    folder.writeFlow('pictures.yml', `  - { name: echo, uses: '${fixture('echo.ts')}' }`);
    mkdirSync(path.join(folder.path, 'pictures', 'cats'), { recursive: true });
    for (const name of ['a.png', 'cats/b.JPG', 'notes.txt', 'empty.gif']) {
      writeFileSync(path.join(folder.path, 'pictures', name), name === 'empty.gif' ? '' : name);
    }
    const up = folder.start('--json', 'up', 'pictures.yml');
    const url = await readyUrl(up);
    const { code, stdout } = await folder.run('--json', 'index', url, 'pictures');
    up.signal('SIGTERM');
    await up.ended();
    assert.equal(code, 5);
    const { rows, indexed: good, report } = lastRecord(stdout);
    assert.deepEqual([rows, good], [3, 2]);
    assert.match(readFileSync(String(report), 'utf8'), /"path":"empty.gif".*an empty file/);
  });

  it('ends with 4 when the flow is not there, and with 1 when it has no such endpoint; nothing is marked as bad', async () => {
    folder.write('one.jsonl', '{"text":"a"}\n');
    const gone = await folder.run('--json', 'index', 'http://127.0.0.1:9', 'one.jsonl', '--timeout', '1s');
    assert.equal(gone.code, 4, gone.stdout);
    folder.writeFlow('none.yml', index, 'port: 0, workspace: none');
    const unknown = await folder.run('--json', 'index', 'none.yml', 'one.jsonl', '--endpoint', '/nope');
    assert.equal(unknown.code, 1);
    assert.match(unknown.stdout, /unknown_endpoint/);
    const left = readdirSync(path.join(folder.path, '.sluice', 'jobs')).filter((name) => name.includes('bad-rows'));
    assert.equal(left.filter((name) => !isReportOfOthers(folder, name)).length, 0);
  });
});

/** Reports of the tests before have rows; an empty one would be left behind. */
function isReportOfOthers(folder: CliFolder, name: string): boolean {
  const [row] = parseRecords(readFileSync(path.join(folder.path, '.sluice', 'jobs', name), 'utf8'));
  return isObject(row);
}
