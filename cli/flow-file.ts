import { readFileSync } from 'node:fs';
import { faultsOf, formatFaults, loadFlow, type Plan } from '../flows/index.ts';
import type { Output } from './output.ts';

/**
 * Reads a flow file; prints its faults, each with its source line, and gives undefined where it has some.
 *
 * @throws FlowError for anything that is no fault of the file
 */
export async function readFlow(output: Output, file: string): Promise<Plan | undefined> {
  try {
    const { plan } = await loadFlow(file);
    return plan;
  } catch (error) {
    const faults = faultsOf(error);
    if (faults.length === 0) throw error;
    for (const fault of faults) output.record({ type: 'fault', ...fault });
    output.fault(formatFaults(faults, textOf));
    output.fault(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in ${file}`);
    return undefined;
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // The fault is then that the file cannot be read.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
