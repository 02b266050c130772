import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CliFolder, fixture, isAlive, readyUrl } from './cli-fixture.ts';
import { parseRecords, type RunningCommand } from './running-command.ts';

describe('sluice up', () => {
  let folder: CliFolder;
  before(() => {
    folder = new CliFolder();
    folder.writeFlow('echo.yml', `  - { name: echo, uses: ${fixture('echo.ts')}, replicas: 2 }`);
    folder.writeFlow('stream.yml', `  - { name: counter, uses: ${fixture('streaming.ts')} }`);
    folder.writeFlow('faults.yml', `  - { name: faults, uses: ${fixture('faults.ts')} }`);
    folder.writeFlow('init.yml', `  - { name: encoder, uses: ${fixture('throws-in-init.ts')} }`);
  });
  after(() => folder.remove());

  it('tells people the graph, each worker, then one line with the address', async () => {
    const up = folder.start('up', 'echo.yml');
    const ready = await up.line((line) => line.startsWith('ready'));
    assert.match(ready, /^ready in \d+\.\d s {2}http:\/\/127\.0\.0\.1:\d+ {2}\(docs \/docs, metrics \/metrics\)$/);
    up.signal('SIGTERM');
    const { code, stdout } = await up.ended();
    assert.equal(code, 0);
    assert.match(stdout, /echo {2}Echo|echo\.ts/);
    assert.match(stdout, / {2}echo\/1 {2}ready {2}after \d+\.\d s\n/);
    assert.match(stdout, /stopped\n$/);
  });

  it('answers, tells when it is ready, and leaves no process behind', async () => {
    const up = folder.start('--json', 'up', 'echo.yml');
    const url = await readyUrl(up);
    assert.equal((await folder.run('ping', '--host', url)).code, 0);
    const call = await folder.run('--json', 'call', '/hash', 'a cat', 'a dog', '--host', url);
    assert.equal(call.code, 0, call.stderr);
    const [first, second, answer] = parseRecords(call.stdout);
    assert.deepEqual([textOf(first), textOf(second), answer?.['documents']], ['a cat', 'a dog', 2]);
    up.signal('SIGINT');
    const { code, stdout } = await up.ended();
    assert.equal(code, 0);
    assert.deepEqual(workerPids(stdout).filter(isAlive), []);
    assert.equal((await folder.run('ping', '--host', url)).code, 4);
  });

  it('prints answers for people: documents, vectors, values', async () => {
    const up = folder.start('--json', 'up', 'echo.yml');
    const url = await readyUrl(up);
    const hash = await folder.run('call', '/hash', 'a cat', '--host', url);
    assert.match(hash.stdout, /^0 {2}"a cat"\n {3}embedding {2}float32\[4\] {2}5\.00 5\.00 5\.00 5\.00\n/);
    assert.match(hash.stdout, /1 document in \d+\.\d ms {2}\(.*echo \d+\.\d ms.*\)\n$/);
    const values = await folder.run('--json', 'call', '/values', 'a', 'b', '--host', url);
    const answer = parseRecords(values.stdout).find(({ type }) => type === 'answer');
    assert.deepEqual(answer?.['results'], { 'echo/rep-0': { count: 2 } });
    up.signal('SIGTERM');
    await up.ended();
  });

  it('shows people and machines what a flow does, for as many looks as they want', async () => {
    const up = folder.start('--json', 'up', 'echo.yml');
    const url = await readyUrl(up);
    const top = folder.start('top', '--host', url, '--interval', '200ms');
    await top.line((line) => line.startsWith('flow') || line.includes('ready'));
    await folder.run('call', '/hash', 'a cat', '--host', url);
    await top.line((line) => /^\/hash +http +\d+\.\d +\d/.test(line));
    top.signal('SIGINT');
    const { code, stdout } = await top.ended();
    assert.equal(code, 0);
    assert.match(stdout, /^EXECUTOR +DOCS\/S +BATCH +QUEUED/m);
    assert.match(stdout, /^echo\/1 +ready +cpu +\d+ % +\d+ MiB/m);
    const machine = await folder.run('--json', 'top', '--host', url, '--count', '1');
    const [look] = parseRecords(machine.stdout);
    assert.deepEqual([look?.['type'], look?.['flow'], look?.['status']], ['live', 'echo', 'ready']);
    up.signal('SIGTERM');
    await up.ended();
    assert.equal((await folder.run('top', '--host', url, '--count', '1')).code, 4);
  });

  it('answers what was accepted before it stops', async () => {
    const up = folder.start('--json', 'up', 'stream.yml');
    const url = await readyUrl(up);
    const steps = 5000;
    const parameters = JSON.stringify({ until: steps });
    const call = folder.start('--json', 'call', '/count', 'x', '--stream', '--parameters', parameters, '--host', url);
    await call.record('document');
    up.signal('SIGTERM');
    const { code, stdout, stderr } = await call.ended();
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(parseRecords(stdout).at(-1)?.['documents'], steps);
    assert.equal((await up.ended()).code, 0);
  });

  it('ends at once at the second signal', async () => {
    const up = folder.start('--json', '--log-level', 'info', 'up', 'faults.yml');
    const url = await readyUrl(up);
    const call = folder.start('call', '/hang', 'x', '--host', url);
    await up.errorLine((line) => line.includes('hangs in /hang'));
    up.signal('SIGTERM');
    await up.record('stopping');
    up.signal('SIGTERM');
    const { code, stdout } = await up.ended();
    assert.equal(code, 143);
    assert.equal((await call.ended()).code, 4);
    await gone(workerPids(stdout));
  });

  it('gives a start up at the first signal', async () => {
    const up = folder.start('--json', 'up', 'echo.yml');
    await up.record('worker');
    up.signal('SIGINT');
    const { code, stdout } = await up.ended();
    assert.equal(code, 130);
    await gone(workerPids(stdout));
  });

  it('tells the root cause first when an executor does not start', async () => {
    const { code, stderr, stdout } = await folder.run('up', 'init.yml', '--log-level', 'silent');
    assert.equal(code, 1);
    assert.equal(stderr, 'error: the weights are not there\n  while: cannot start encoder/0\n');
    assert.doesNotMatch(stdout, /ready in/);
  });

  it('tells machines why it does not start', async () => {
    const { code, stdout } = await folder.run('--json', 'up', 'init.yml');
    assert.equal(code, 1);
    const error = parseRecords(stdout).at(-1);
    assert.deepEqual(
      [error?.['type'], error?.['reason'], error?.['message']],
      ['error', 'executor_load_failed', 'the weights are not there'],
    );
  });

  it('says that its port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    folder.writeFlow('taken.yml', `  - { name: echo, uses: ${fixture('echo.ts')} }`, `port: ${port}`);
    const { code, stderr } = await folder.run('up', 'taken.yml');
    server.close();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^error: .*${port}`));
  });

  it('lists the faults of a broken flow file, with status 3', async () => {
    folder.write('broken.yml', 'jtype: Flow\nexecutors: 5\n');
    const { code, stderr } = await folder.run('up', 'broken.yml');
    assert.equal(code, 3);
    assert.match(stderr, /^broken\.yml:2:12: /);
  });
});

describe('sluice call and ping', () => {
  let folder: CliFolder;
  let up: RunningCommand;
  let url: string;
  before(async () => {
    folder = new CliFolder();
    folder.writeFlow('faults.yml', `  - { name: faults, uses: ${fixture('faults.ts')} }`);
    up = folder.start('--json', 'up', 'faults.yml');
    url = await readyUrl(up);
  });
  after(() => folder.remove());

  it('tell an error of the executor and end with status 1', async () => {
    const { code, stderr } = await folder.run('call', '/throw', 'x', '--host', url);
    assert.equal(code, 1);
    assert.match(stderr, /^error: (RangeError: )?intentional failure/);
  });

  it('tell machines the reason of an error', async () => {
    const { code, stdout, stderr } = await folder.run('--json', 'call', '/nothing', '--host', url);
    assert.deepEqual([code, stderr], [1, '']);
    assert.equal(parseRecords(stdout)[0]?.['reason'], 'unknown_endpoint');
  });

  it('keep to their time limit', async () => {
    const { code, stdout } = await folder.run('--json', 'call', '/hang', 'x', '--timeout', '200ms', '--host', url);
    assert.equal(code, 1);
    assert.equal(parseRecords(stdout)[0]?.['reason'], 'deadline_exceeded');
  });

  it('send the bytes of files', async () => {
    folder.write('cat.txt', 'meow');
    const { code, stdout } = await folder.run('--json', 'call', '/ok', '--file', 'cat.txt', '--host', url);
    assert.equal(code, 0);
    const { document } = parseRecords(stdout)[0] as { document: { blob: string; uri: string } };
    assert.deepEqual([document.blob, document.uri], ['bWVvdw==', 'cat.txt']);
    const missing = await folder.run('call', '/ok', '--file', 'dog.txt', '--host', url);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /while: cannot read dog\.txt/);
  });

  it('end with status 4 when nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const host = `http://127.0.0.1:${port}`;
    const call = await folder.run('call', '/x', 'y', '--host', host);
    assert.equal(call.code, 4);
    assert.match(call.stderr, /ECONNREFUSED/);
    assert.equal((await folder.run('ping', '--host', host)).code, 4);
  });
});

function textOf(record: Record<string, unknown> | undefined): unknown {
  return (record?.['document'] as { text?: unknown } | undefined)?.text;
}

function workerPids(stdout: string): number[] {
  const pids = parseRecords(stdout).flatMap(({ type, pid }) =>
    type === 'worker' && typeof pid === 'number' ? [pid] : [],
  );
  return [...new Set(pids)];
}

/** Waits until none of the processes is left; the runner's time limit ends it otherwise. */
async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
}
