import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** How often the parent is looked for, ms. */
const intervalMs = 200;

// Runs in a thread of its own: an executor that blocks its event loop cannot see its channel close.
const watch = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
}, workerData.intervalMs);
`;

/** Ends this process, whatever it is doing, soon after its parent has died. Fulfils once that is so. */
export async function watchParent(): Promise<void> {
  const thread = new Worker(watch, {
    eval: true,
    workerData: { parent: process.ppid, intervalMs },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
    execArgv: [],
  });
  await once(thread, 'online');
  thread.unref();
}
