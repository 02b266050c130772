import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '../client/index.ts';
import { FlowError, type JsonObject } from '../core/index.ts';
import { startFlow } from '../index.ts';
import {
  type Judgements,
  mean,
  measureQueries,
  metricNames,
  pairedBootstrap,
  type Rankings,
  readJudgements,
  readRun,
  readTexts,
  searchRun,
} from '../jobs/index.ts';
import { exitCodes } from './exit-code.ts';
import { readFlow } from './flow-file.ts';
import type { Output } from './output.ts';

export interface EvaluateOptions {
  readonly corpus?: string;
  readonly queries?: string;
  readonly qrels: string;
  readonly at: readonly number[];
  readonly run?: string;
  readonly compare?: string;
  readonly fields: readonly string[];
  readonly parameters?: JsonObject;
  /** ms; default {@link defaultTimeoutMs} */
  readonly timeout?: number;
}

/** An answer may wait for a whole corpus to be embedded before it. */
const defaultTimeoutMs = 600_000;

/** Measures what a flow finds, or what a run file says that it found. */
export async function evaluate(output: Output, flow: string | undefined, options: EvaluateOptions): Promise<number> {
  const judgements = readJudgements(options.qrels);
  const other = options.compare === undefined ? undefined : readRun(options.compare);
  let rankings: Rankings | undefined;
  if (flow === undefined) rankings = readRun(needed(options.run, '--run, or a flow'));
  else if (/^[a-z]+:\/\//.test(flow)) rankings = await ask(output, flow, judgements, options);
  else rankings = await askFlowFile(output, flow, judgements, options);
  if (rankings === undefined) return exitCodes.invalidFlow.code;
  tell(output, { rankings, other, judgements, depths: options.at });
  return exitCodes.ok.code;
}

/** Starts a flow with an empty index of its own for as long as it takes. */
async function askFlowFile(
  output: Output,
  file: string,
  judgements: Judgements,
  options: EvaluateOptions,
): Promise<Rankings | undefined> {
  const plan = await readFlow(output, file);
  if (plan === undefined) return undefined;
  const workspace = mkdtempSync(path.join(tmpdir(), 'sluice-evaluate-'));
  const log = output.heldLogger(plan.name);
  try {
    const flow = await startFlow(
      {
        ...plan,
        gateway: { ...plan.gateway, listeners: [{ port: 0, protocols: ['http'] }] },
        executors: plan.executors.map((executor) => ({ ...executor, workspace })),
      },
      { logger: log.logger },
    );
    log.release();
    try {
      return await ask(output, flow.urls[0] ?? '', judgements, options);
    } finally {
      await flow.stop();
    }
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

async function ask(
  output: Output,
  host: string,
  judgements: Judgements,
  { corpus, queries, at, run, fields, parameters = {}, timeout }: EvaluateOptions,
): Promise<Rankings> {
  const judged = readTexts(needed(queries, '--queries')).filter(({ id }) => judgements.has(id));
  if (judged.length === 0) throw new FlowError('invalid_argument', 'no query of --queries is judged in --qrels');
  const client = new Client({ host, timeoutMs: timeout ?? defaultTimeoutMs });
  try {
    return await searchRun(client, {
      corpus: corpus === undefined ? undefined : readTexts(corpus, fields),
      queries: judged,
      depth: Math.max(...at),
      parameters,
      runFile: run,
      showProgress: output.isInteractive,
    });
  } finally {
    await client.close();
  }
}

interface Measured {
  readonly rankings: Rankings;
  readonly other: Rankings | undefined;
  readonly judgements: Judgements;
  readonly depths: readonly number[];
}

function tell(output: Output, { rankings, other, judgements, depths }: Measured): void {
  for (const name of metricNames) {
    for (const depth of depths) {
      const values = measureQueries(name, depth, rankings, judgements);
      const value = mean(values.values());
      const title = `${name}@${depth}`.padEnd(14);
      if (other === undefined) {
        output.record({ type: 'metric', name, depth, value, queries: values.size });
        output.line(`${title}${value.toFixed(4)}`);
        continue;
      }
      const { difference, low, high, p } = pairedBootstrap(values, measureQueries(name, depth, other, judgements));
      output.record({ type: 'metric', name, depth, value, queries: values.size, difference, low, high, p });
      output.line(
        `${title}${value.toFixed(4)}   ${signed(difference)} than the other run, 95 % in ${signed(low)} to ${signed(high)}, p ${p.toFixed(3)}`,
      );
    }
  }
  const count = measureQueries('recall', 1, rankings, judgements).size;
  output.line(output.paint('gray', `${count} ${count === 1 ? 'query' : 'queries'}`));
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(4)}`;
}

function needed(value: string | undefined, what: string): string {
  if (value === undefined) throw new FlowError('invalid_argument', `evaluate needs ${what}`);
  return value;
}
