// `npm start`: set-up, then the search flow over a gallery of pictures that is drawn and indexed at the first start.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const sluice = path.join(root, 'bin', 'sluice.js');
const gallery = path.join(root, '.sluice', 'gallery');
const address = 'http://127.0.0.1:51000';

const { drawGallery } = await import('./gallery.mjs');
const pictures = await drawGallery(gallery, (done, total) => {
  if (process.stderr.isTTY)
    process.stderr.write(`\rdrawing the gallery: ${done} of ${total}${done < total ? '' : '\n'}`);
});

// npm hands SIGTERM to the shell between it and this process, which dies without handing it on.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
}, 500).unref();

void fillGallery();

// In this process, not in a child: each signal of the terminal must arrive once.
process.argv.splice(2, Infinity, 'up', path.join(root, 'flows', 'search.yml'), ...process.argv.slice(2));
await import('../bin/sluice.js');

/** Indexes what is missing, as soon as the flow answers. */
async function fillGallery() {
  while (!(await isReady())) await delay(100, undefined, { ref: false });
  const indexed = await documents();
  if (indexed === undefined) return;
  // The state of the job speaks of an index that may have been removed since.
  const restart = indexed === 0 ? ['--restart'] : [];
  const args = ['index', address, pictures, '--state', path.join(gallery, 'index-state.json'), ...restart];
  const job = spawn(process.execPath, [sluice, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  const end = () => job.kill();
  process.once('exit', end);
  job.once('exit', (code) => {
    process.off('exit', end);
    if (code === 0) console.log(`search page: ${address}/ui`);
  });
}

async function isReady() {
  try {
    return (await fetch(`${address}/health/ready`)).ok;
  } catch {
    return false;
  }
}

/** How many documents the index holds; undefined when it does not tell, and nothing is to be done about it here. */
async function documents() {
  try {
    const response = await fetch(`${address}/post`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ exec_endpoint: '/status', data: [] }),
    });
    const { parameters } = await response.json();
    return Object.values(parameters.__results__ ?? {})[0]?.documents;
  } catch {
    return undefined;
  }
}
