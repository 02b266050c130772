import type { Plan } from '../flows/index.ts';
import { describeExecutors, type ExecutorDescription } from '../runtime/index.ts';
import { exitCodes } from './exit-code.ts';
import { readFlow } from './flow-file.ts';
import type { Output } from './output.ts';

export interface CheckOptions {
  /** Whether the executors are imported too; default true. */
  readonly executors: boolean;
}

/** Tells every fault of a flow file, then of the executors it names: each is imported in a process of its own. */
export async function check(output: Output, file: string, options: CheckOptions): Promise<number> {
  const plan = await readFlow(output, file);
  if (plan === undefined) return exitCodes.invalidFlow.code;
  const descriptions = options.executors
    ? await describeExecutors(plan, { logger: output.heldLogger(plan.name).logger, env: process.env })
    : [];
  const faulty = descriptions.filter(({ error }) => error !== undefined);
  for (const { error } of faulty) output.error(error);
  tellEndpoints(output, descriptions);
  if (faulty.length > 0) {
    output.fault(`${faulty.length} of ${plan.executors.length} executors cannot be used`);
    return exitCodes.invalidFlow.code;
  }
  tellSound(output, file, plan, options);
  return exitCodes.ok.code;
}

function tellEndpoints(output: Output, descriptions: readonly ExecutorDescription[]): void {
  for (const { executor, manifest } of descriptions) {
    if (manifest === undefined) continue;
    const endpoints = manifest.endpoints.map(({ name }) => name);
    output.record({ type: 'executor', executor, className: manifest.className, state: manifest.state, endpoints });
    output.line(`  ${executor}  ${manifest.className}  ${endpoints.join(' ')}`);
  }
}

function tellSound(output: Output, file: string, plan: Plan, options: CheckOptions): void {
  const { length } = plan.executors;
  output.record({ type: 'checked', file, flow: plan.name, executors: length });
  const part = options.executors ? `${length} ${length === 1 ? 'executor' : 'executors'}` : 'the flow file alone';
  output.line(`${output.paint('green', 'no faults')} in ${file} (${part})`);
}
