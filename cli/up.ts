import { FlowError } from '../core/index.ts';
import { describePlan } from '../flows/index.ts';
import { type RunningFlow, startFlow } from '../index.ts';
import { exitCodes } from './exit-code.ts';
import { readFlow } from './flow-file.ts';
import type { Output } from './output.ts';
import { seconds, showWorkerProgress } from './worker-progress.ts';

type StopSignal = 'SIGINT' | 'SIGTERM';
const signalCodes = { SIGINT: exitCodes.interrupted.code, SIGTERM: exitCodes.terminated.code } as const;

/**
 * Runs a flow until SIGINT or SIGTERM: then every accepted request is answered first. A second signal ends it at once.
 *
 * @returns the exit status
 */
export async function up(output: Output, file: string): Promise<number> {
  const plan = await readFlow(output, file);
  if (plan === undefined) return exitCodes.invalidFlow.code;
  const startMs = performance.now();
  output.line(describePlan(plan).text);
  const stopping = new AbortController();
  const stopSignal = nextSignals(output, stopping);
  const progress = showWorkerProgress(output, plan);
  const log = output.heldLogger(plan.name);
  let flow: RunningFlow;
  try {
    flow = await startFlow(plan, {
      logger: log.logger,
      onWorker: (worker) => progress.update(worker),
      signal: stopping.signal,
    });
  } catch (error) {
    if (stopping.signal.aborted && error instanceof FlowError && error.reason === 'cancelled') {
      return signalCodes[await stopSignal];
    }
    throw error;
  } finally {
    progress.end();
  }
  log.release();
  tellReady(output, flow, performance.now() - startMs);
  await stopSignal;
  output.line(`stopping; requests in flight are answered first`);
  output.record({ type: 'stopping' });
  await flow.stop();
  output.line('stopped');
  output.record({ type: 'stopped' });
  return exitCodes.ok.code;
}

/** The first signal to stop, which also aborts `stopping`; the second one ends the process. */
function nextSignals(output: Output, stopping: AbortController): Promise<StopSignal> {
  return new Promise((resolve) => {
    const onSignal = (signal: StopSignal): void => {
      if (!stopping.signal.aborted) {
        stopping.abort();
        resolve(signal);
        return;
      }
      output.line('ended at once');
      output.record({ type: 'ended' });
      // Workers follow: the channel to each of them closes with this process.
      process.exit(signalCodes[signal]);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

function tellReady(output: Output, flow: RunningFlow, elapsedMs: number): void {
  const pages = ['docs /docs', ...(flow.plan.gateway.metrics ? ['metrics /metrics'] : [])].join(', ');
  const urls = flow.urls.map((url) => output.paint('cyan', url)).join('  ');
  output.line(`${output.paint('green', 'ready')} in ${seconds(elapsedMs)}  ${urls}  (${pages})`);
  output.record({ type: 'ready', seconds: elapsedMs / 1000, urls: [...flow.urls] });
}
