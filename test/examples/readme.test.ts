import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommand, RunningCommand } from '../integration/running-command.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

/** The code blocks of one language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code);
}

const [start = '', serve = '', ask = ''] = blocks('sh');

async function shell(command: string) {
  return runCommand('bash', ['-c', command], { cwd: root });
}

describe('the README', () => {
  it('shows the example that is in the repository', () => {
    const [executor, snippet] = blocks('ts');
    assert.equal(executor, readFileSync(path.join(root, 'examples/hello/shout.ts'), 'utf8'));
    assert.ok(snippet?.includes('client.post'));
    assert.deepEqual(blocks('yaml'), [readFileSync(path.join(root, 'examples/hello/flow.yml'), 'utf8')]);
  });

  it('names commands that there are', () => {
    assert.deepEqual(
      start
        .trim()
        .split('\n')
        .map((line) => line.split('#')[0]?.trim()),
      ['npm start', 'npm test'],
    );
  });

  it('starts a searchable gallery with its first command', async () => {
    const command = new RunningCommand('npm', ['start'], { cwd: root });
    try {
      assert.match(await command.line((line) => line.startsWith('ready in')), /http:\/\/127\.0\.0\.1:51000/);
      assert.equal(
        await command.line((line) => line.startsWith('search page')),
        'search page: http://127.0.0.1:51000/ui',
      );
      for (const query of ['black cat', '黑猫']) {
        const { stdout } = await shell(`npx sluice --json call /search "${query}" --parameters '{"limit": 1}'`);
        assert.match(stdout, /"uri":"black-cat.png"/);
      }
      command.interrupt();
      const { stdout: all } = await command.ended();
      assert.match(all, /stopped/);
    } finally {
      await command.kill();
    }
  });
});

describe('the flow of the README, served', () => {
  const [check = '', up = ''] = serve.trim().split('\n');
  let server: RunningCommand;
  before(async () => {
    const [command = '', ...args] = up.split(' ');
    server = new RunningCommand(command, args, { cwd: root });
    await server.line((line) => line.startsWith('ready in'));
  });
  after(async () => {
    await server.kill();
  });

  it('has no faults', async () => {
    const { code, stdout } = await shell(check);
    assert.equal(code, 0);
    assert.match(stdout, /no faults/);
  });

  it('answers the command line, curl and the metrics page', async () => {
    const [call = '', curl = '', metrics = ''] = ask.trim().split('\n');
    assert.match((await shell(call)).stdout, /BLACK CAT/);
    assert.match((await shell(curl)).stdout, /"text":"BLACK CAT"/);
    assert.match((await shell(metrics)).stdout, /sluice_requests_total\{[^}]*endpoint="\/shout"[^}]*\} 2/);
  });

  it('answers the TypeScript client', async () => {
    // Inside the repository, where the package knows itself by name.
    const folder = mkdtempSync(path.join(root, '.sluice-readme-'));
    try {
      const file = path.join(folder, 'snippet.ts');
      writeFileSync(file, blocks('ts')[1] ?? '');
      const { stdout, stderr } = await shell(`node --import tsx --conditions=sluice-source ${file}`);
      assert.equal(stdout, 'BLACK CAT\nWHITE DOG\n', stderr);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the trace example', () => {
  it('prints one connected tree from the request to the run in the worker', async () => {
    const { stdout, stderr } = await shell('node --import tsx --conditions=sluice-source examples/trace/run.ts');
    for (const span of ['/shout', 'executor shout', 'queue', 'send', 'run', 'receive', 'encode']) {
      assert.ok(stdout.includes(span), `${span} is missing in\n${stdout}\n${stderr}`);
    }
  });
});
