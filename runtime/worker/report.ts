import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricStore } from '../../observability/index.ts';
import type { ToParent } from '../wire/index.ts';

const intervalMs = 1000;

/** Sends what was counted, and what the process uses, once a second; the result sends the rest and stops. */
export function startReports(store: MetricStore, send: (message: ToParent) => void): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let cpu = process.cpuUsage();
  const report = (): void => {
    const now = process.cpuUsage();
    const cpuMs = (now.user - cpu.user + now.system - cpu.system) / 1e3;
    cpu = now;
    const memoryBytes = process.memoryUsage.rss();
    send({ type: 'metrics', deltas: store.takeDeltas(), memoryBytes, cpuMs, loopDelayMs: delay.max / 1e6 });
    delay.reset();
  };
  const timer = setInterval(report, intervalMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    delay.disable();
    report();
  };
}
