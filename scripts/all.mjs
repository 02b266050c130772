// Everything CI runs, in one command: set-up, tests (architecture, generated documents and packaging among them), lint,
// format, types, dead code. The last line is `N passed, N failed`: tests and checks together.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const checks = ['lint', 'format', 'types', 'dead-code'];

let passed = 0;
let failed = 0;
const failures = [];

const count = (output, word) => Number(new RegExp(`^\\S* ?${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
for (const suite of [['test'], ['run', 'test:slow']]) {
  const { status, output } = await npm(...suite);
  passed += count(output, 'pass');
  failed += count(output, 'fail') + count(output, 'cancelled');
  if (status === 0) continue;
  failures.push(suite.at(-1));
  failed = Math.max(failed, 1);
}
for (const check of checks) {
  const { status } = await npm('run', check);
  if (status === 0) passed += 1;
  else {
    failed += 1;
    failures.push(check);
  }
}
if (failures.length > 0) console.log(`failed: ${failures.join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs npm, shows what it prints and keeps the end of it. */
function npm(...args) {
  console.log(`\n$ npm ${args.join(' ')}`);
  return new Promise((resolve) => {
    const child = spawn('npm', args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      shell: process.platform === 'win32',
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      output = (output + text).slice(-100_000);
    });
    child.on('error', (error) => {
      console.error(error.message);
      resolve({ status: 1, output });
    });
    child.on('close', (status) => resolve({ status, output }));
  });
}
