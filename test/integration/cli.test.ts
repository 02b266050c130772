import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CliFolder, fixture } from './cli-fixture.ts';
import { parseRecord, parseRecords } from './running-command.ts';

const brokenFlow = `jtype: Flow
with:
  prot: 51000
executors:
  - name: encoder
    replicas: many
`;

describe('sluice', () => {
  let folder: CliFolder;
  before(() => {
    folder = new CliFolder();
    folder.write('broken.yml', brokenFlow);
    folder.writeFlow('sound.yml', `  - { name: echo, uses: ${fixture('echo.ts')} }`);
  });
  after(() => folder.remove());

  it('lists its commands and exit statuses', async () => {
    const { code, stdout } = await folder.run('--help');
    assert.equal(code, 0);
    for (const word of ['up', 'check', 'plan', 'types', 'schema', 'call', 'ping', 'Exit status:', '130']) {
      assert.ok(stdout.includes(word), `${word} is missing`);
    }
  });

  it('refuses a wrong command line with status 2 and says what is wrong', async () => {
    const unknown = await folder.run('upp');
    assert.deepEqual([unknown.code, unknown.stderr], [2, "error: unknown command 'upp'\n(Did you mean up?)\n"]);
    const invalid = await folder.run('call', '/x', '--timeout', '5');
    assert.equal(invalid.code, 2);
    assert.match(invalid.stderr, /A duration such as 500ms/);
    assert.equal((await folder.run('call', '/x', '--parameters', '[1]')).code, 2);
  });

  describe('check', () => {
    it('tells every fault of a flow file with its source line and a caret', async () => {
      const { code, stderr, stdout } = await folder.run('check', 'broken.yml');
      assert.deepEqual([code, stdout], [3, '']);
      assert.match(stderr, /broken\.yml:3:3: .*prot/);
      assert.match(stderr, /\n {2}3 \| {3}prot: 51000\n {4}\| {3}\^\n/);
      assert.match(stderr, /broken\.yml:6:15: .*replicas/);
      assert.match(stderr, /2 faults in broken\.yml\n$/);
    });

    it('tells faults to machines as records', async () => {
      const { code, stderr, stdout } = await folder.run('check', 'broken.yml', '--json');
      assert.deepEqual([code, stderr], [3, '']);
      const faults = parseRecords(stdout);
      assert.deepEqual(
        faults.map(({ type, line, column }) => [type, line, column]),
        [
          ['fault', 3, 3],
          ['fault', 6, 15],
        ],
      );
    });

    it('says that a file is not there', async () => {
      const { code, stderr } = await folder.run('check', 'nowhere.yml');
      assert.equal(code, 1);
      assert.match(stderr, /^error: ENOENT.*\n {2}while: cannot read the flow file nowhere\.yml\n$/);
    });

    it('finds an executor that cannot be imported, root cause first and without a stack', async () => {
      folder.writeFlow('import.yml', `  - { name: broken, uses: ${fixture('throws-at-import.ts')} }`);
      const { code, stderr } = await folder.run('check', 'import.yml', '--log-level', 'silent');
      assert.equal(code, 3);
      assert.match(stderr, /^error: cannot be imported: the library libmissing is not there\n/);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });

    it('refuses replicas of an executor that owns its workspace', async () => {
      folder.writeFlow('replicas.yml', `  - { name: store, uses: ${fixture('exclusive.ts')}, replicas: 2 }`);
      const { code, stderr } = await folder.run('check', 'replicas.yml');
      assert.equal(code, 3);
      assert.match(stderr, /replicas/);
    });

    it('imports no executor when it is told so', async () => {
      folder.writeFlow('import.yml', `  - { name: broken, uses: ${fixture('throws-at-import.ts')} }`);
      assert.equal((await folder.run('check', 'import.yml', '--no-executors')).code, 0);
    });

    it('says what a sound flow serves', async () => {
      const { code, stdout } = await folder.run('check', 'sound.yml', '--json');
      assert.equal(code, 0);
      const [executor, checked] = parseRecords(stdout);
      assert.deepEqual([executor?.['className'], checked?.['type']], ['Echo', 'checked']);
      assert.ok((executor?.['endpoints'] as string[]).includes('/batched'));
    });
  });

  it('plan prints the graph, and every setting with its default', async () => {
    const people = await folder.run('plan', 'sound.yml');
    assert.equal(people.code, 0);
    assert.match(people.stdout, /echo/);
    assert.match(people.stdout, /maxBodyBytes: 67108864/);
    const { plan } = parseRecord((await folder.run('plan', 'sound.yml', '--json')).stdout);
    assert.equal((plan as { last: string }).last, 'echo');
    assert.match((await folder.run('plan', 'sound.yml', '--mermaid')).stdout, /^flowchart LR\n/);
  });

  it('schema prints a JSON Schema of flow files', async () => {
    const { code, stdout } = await folder.run('schema');
    assert.equal(code, 0);
    assert.ok('properties' in parseRecord(stdout));
  });

  it('types writes the endpoints that executors declare', async () => {
    const { code } = await folder.run('types', 'sound.yml', '-o', 'endpoints.ts');
    assert.equal(code, 0);
    const text = readFileSync(path.join(folder.path, 'endpoints.ts'), 'utf8');
    assert.match(text, /export interface SoundEndpoints {/);
    assert.match(text, /'\/batched': \{ readonly parameters: \{ readonly mine\?: unknown; /);
  });

  it('types writes nothing when an executor cannot be loaded', async () => {
    folder.writeFlow('import.yml', `  - { name: broken, uses: ${fixture('throws-at-import.ts')} }`);
    const { code } = await folder.run('types', 'import.yml', '-o', 'nothing.ts');
    assert.equal(code, 1);
    assert.equal(existsSync(path.join(folder.path, 'nothing.ts')), false);
  });
});
