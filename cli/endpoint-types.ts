import { writeFile } from 'node:fs/promises';
import { FlowError } from '../core/index.ts';
import { describeExecutors, type EndpointManifest } from '../runtime/index.ts';
import { exitCodes } from './exit-code.ts';
import { readFlow } from './flow-file.ts';
import type { Output } from './output.ts';

export interface EndpointTypesOptions {
  /** File to write; stdout without it. */
  readonly output?: string;
}

/** What is known of one endpoint of the flow, over all executors that bind it. */
interface FlowEndpoint {
  readonly name: string;
  readonly executors: string[];
  readonly perRequest: Set<string>;
}

/** An executor that binds it takes every endpoint. */
const defaultEndpoint = '/default';

/** Writes the endpoints of a flow as a TypeScript type: `new Client<SearchEndpoints>(...)` knows no other. */
export async function endpointTypes(output: Output, file: string, options: EndpointTypesOptions): Promise<number> {
  const plan = await readFlow(output, file);
  if (plan === undefined) return exitCodes.invalidFlow.code;
  const descriptions = await describeExecutors(plan, { logger: output.heldLogger(plan.name).logger, env: process.env });
  const endpoints = new Map<string, FlowEndpoint>();
  for (const { executor, manifest, error } of descriptions) {
    if (error !== undefined) throw error;
    for (const endpoint of manifest?.endpoints ?? []) collect(endpoints, executor, endpoint);
  }
  const text = typesText(plan.name, [...endpoints.values()]);
  if (options.output === undefined) {
    output.text(text);
    return exitCodes.ok.code;
  }
  try {
    await writeFile(options.output, text);
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot write ${options.output}`);
  }
  output.record({ type: 'written', file: options.output });
  output.line(`${options.output}: ${endpoints.size} endpoints`);
  return exitCodes.ok.code;
}

function collect(endpoints: Map<string, FlowEndpoint>, executor: string, manifest: EndpointManifest): void {
  const { name } = manifest;
  const known = endpoints.get(name) ?? { name, executors: [], perRequest: new Set<string>() };
  known.executors.push(executor);
  for (const parameter of manifest.perRequest) known.perRequest.add(parameter);
  endpoints.set(name, known);
}

/** The module that a client imports; `endpoints` in the order of the flow. */
export function typesText(flow: string, endpoints: readonly FlowEndpoint[]): string {
  const type = `${pascalCase(flow)}Endpoints`;
  const entries = endpoints.flatMap(({ name, executors, perRequest }) => {
    const known = [...perRequest].map((parameter) => `readonly ${propertyKey(parameter)}?: unknown; `);
    return [
      `  /** Served by ${executors.join(', ')}. */`,
      `  ${endpointKey(name)}: { readonly parameters: { ${known.join('')}readonly [name: string]: unknown } };`,
    ];
  });
  return [
    '// Written by `sluice types`; write it again when the flow changes.',
    '',
    `/** Endpoints of the flow ${flow}: \`new Client<${type}>({ host })\`. */`,
    `export interface ${type} {`,
    ...entries,
    '}',
    '',
  ].join('\n');
}

function endpointKey(name: string): string {
  return name === defaultEndpoint ? '[endpoint: `/${string}`]' : `'${name}'`;
}

function propertyKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function pascalCase(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(joined) ? joined : `Flow${joined}`;
}
