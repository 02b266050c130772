import { flowJsonSchema } from '../flows/index.ts';
import { exitCodes } from './exit-code.ts';
import type { Output } from './output.ts';

/** Prints the JSON Schema of flow files; editors complete and check with it. */
export function schema(output: Output): number {
  output.text(JSON.stringify(flowJsonSchema(), null, 2));
  return exitCodes.ok.code;
}
