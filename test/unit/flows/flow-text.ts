import { fileURLToPath } from 'node:url';
import { type Fault, faultsOf, type LoadOptions, parseFlow, type Plan } from '../../../flows/index.ts';

/** Folder of the flow files and executors that the tests name. */
export const fixtures = fileURLToPath(new URL('../../fixtures/flows/', import.meta.url));

/** The plan of a text that would be `flow.yml` in the folder of the fixtures. */
export function planOf(text: string, options: LoadOptions = { env: {} }): Plan {
  return parseFlow(text, { ...options, path: `${fixtures}flow.yml` });
}

/** The faults of such a text; none when it is right. */
export function faultListOf(text: string, options?: LoadOptions): readonly Fault[] {
  try {
    planOf(text, options);
    return [];
  } catch (error) {
    const faults = faultsOf(error);
    if (faults.length === 0) throw error;
    return faults;
  }
}

/** The faults as `line:column message`. */
export function faultsIn(text: string, options?: LoadOptions): string[] {
  return faultListOf(text, options).map(({ line, column, message }) => `${line}:${column} ${message}`);
}
