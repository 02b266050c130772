import { stringify } from 'yaml';
import type { JsonObject } from '../core/index.ts';
import { describePlan } from '../flows/index.ts';
import { exitCodes } from './exit-code.ts';
import { readFlow } from './flow-file.ts';
import type { Output } from './output.ts';

export interface PlanOptions {
  readonly mermaid: boolean;
}

/** Prints what a flow file means: the graph, then every setting that is in force. */
export async function plan(output: Output, file: string, options: PlanOptions): Promise<number> {
  const flow = await readFlow(output, file);
  if (flow === undefined) return exitCodes.invalidFlow.code;
  const { text, mermaid } = describePlan(flow);
  if (options.mermaid) {
    output.record({ type: 'mermaid', text: mermaid });
    output.line(mermaid.trimEnd());
    return exitCodes.ok.code;
  }
  // A plan is plain data; going through JSON drops what is undefined.
  output.record({ type: 'plan', plan: JSON.parse(JSON.stringify(flow)) as JsonObject });
  output.line(text);
  output.line(stringify(flow).trimEnd());
  return exitCodes.ok.code;
}
