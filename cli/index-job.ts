import { statSync } from 'node:fs';
import path from 'node:path';
import { Client } from '../client/index.ts';
import { FlowError, type JsonObject } from '../core/index.ts';
import type { Plan } from '../flows/index.ts';
import { type RunningFlow, startFlow } from '../index.ts';
import { identityOf, JobLedger, openPictureRows, openTextRows, type RowSource, runJob } from '../jobs/index.ts';
import { exitCodes } from './exit-code.ts';
import { readFlow } from './flow-file.ts';
import { showJobProgress } from './job-progress.ts';
import type { Output } from './output.ts';
import { showWorkerProgress } from './worker-progress.ts';

export interface IndexOptions {
  readonly format?: 'pictures' | 'jsonl' | 'csv';
  readonly endpoint: string;
  readonly parameters?: JsonObject;
  readonly id: string;
  readonly text: string;
  readonly uri: string;
  readonly tags?: readonly string[];
  readonly batchSize: number;
  readonly concurrency: number;
  /** ms */
  readonly timeout?: number;
  readonly badRows?: string;
  readonly state?: string;
  readonly restart: boolean;
}

/** Pictures are large: a request is sent when it has this many bytes, however few rows. */
const batchBytes = 8 * 2 ** 20;
/** Tries after the first, half a second to two seconds apart: a flow that restarts is waited for. */
const retries = 8;

/** Sends every row of an input to a flow that runs elsewhere, or here for as long as the job takes. */
export async function indexRows(output: Output, flow: string, input: string, options: IndexOptions): Promise<number> {
  const isUrl = /^[a-z+]+:\/\//i.test(flow);
  const source = openSource(input, options);
  const plan = isUrl ? undefined : await readFlow(output, flow);
  if (!isUrl && plan === undefined) return exitCodes.invalidFlow.code;
  const stopping = new AbortController();
  let stopCode: number | undefined;
  const onSignal = (name: 'SIGINT' | 'SIGTERM'): void => {
    stopCode ??= name === 'SIGTERM' ? exitCodes.terminated.code : exitCodes.interrupted.code;
    stopping.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let running: RunningFlow | undefined;
  try {
    running = plan === undefined ? undefined : await startForJob(output, plan, stopping.signal);
    const host = running?.urls[0] ?? flow;
    const place = isUrl ? process.cwd() : path.dirname(path.resolve(flow));
    const target = isUrl ? flow : path.resolve(flow);
    const end = await sendRows(output, { source, host, place, target, input, options, signal: stopping.signal });
    if (end === 'well') return exitCodes.ok.code;
    return end === 'bad' ? exitCodes.badRows.code : (stopCode ?? exitCodes.failure.code);
  } catch (error) {
    // The start of the flow was given up because of the signal.
    if (stopCode !== undefined && error instanceof FlowError && error.reason === 'cancelled') return stopCode;
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await running?.stop();
  }
}

interface SendSettings {
  readonly source: RowSource;
  readonly host: string;
  /** Folder of the state, where none is named. */
  readonly place: string;
  readonly target: string;
  readonly input: string;
  readonly options: IndexOptions;
  readonly signal: AbortSignal;
}

async function sendRows(output: Output, settings: SendSettings): Promise<'well' | 'bad' | 'stopped'> {
  const { source, options, signal } = settings;
  const { endpoint, parameters = {}, timeout } = options;
  const files = filesOf(settings);
  // What is sent is part of the job: with other parameters it is another job, which begins anew.
  const identity = identityOf(source.identity, settings.target, endpoint, parameters);
  const isKept = source.identity !== undefined;
  const ledger = new JobLedger(files, isKept ? identity : undefined, options.restart);
  const client = new Client({ host: settings.host });
  const progress = showJobProgress(output, source, ledger);
  let isComplete = false;
  try {
    isComplete = await runJob({
      source,
      ledger,
      signal,
      batchRows: options.batchSize,
      batchBytes,
      concurrency: options.concurrency,
      onProgress: () => progress.update(),
      send: async (docs) => {
        const limit = timeout === undefined ? {} : { timeoutMs: timeout };
        const request = { parameters, retries, requestSize: 0, ...limit };
        for await (const { error } of client.post(endpoint, docs, request).responses()) {
          if (error !== undefined) throw error;
        }
      },
    });
  } finally {
    progress.end();
    ledger.close(isComplete);
    await client.close();
  }
  const { rows, bad } = ledger;
  const report = bad > 0 ? files.badRows : undefined;
  output.record({ type: isComplete ? 'done' : 'stopped', rows, indexed: rows - bad, bad, report });
  output.line(`${isComplete ? 'done' : 'stopped'}: ${rows} rows, ${rows - bad} indexed, ${bad} left out`);
  if (report !== undefined) output.line(`left out: ${report}`);
  if (!isComplete) {
    const hint = isKept ? 'the same command goes on from here' : 'stdin cannot be taken up again';
    output.line(hint);
    return 'stopped';
  }
  return bad > 0 ? 'bad' : 'well';
}

function openSource(input: string, options: IndexOptions): RowSource {
  const format = options.format ?? formatOf(input);
  if (format === 'pictures') return openPictureRows(input);
  const { id, text, uri, tags } = options;
  const columns = { id, text, uri, ...(tags === undefined ? {} : { tags }) };
  return openTextRows({ file: input, format, columns }, process.stdin);
}

function formatOf(input: string): 'pictures' | 'jsonl' | 'csv' {
  if (input === '-') return 'jsonl';
  const name = input.toLowerCase().replace(/\.gz$/, '');
  if (/\.(?:jsonl|ndjson)$/.test(name)) return 'jsonl';
  if (name.endsWith('.csv')) return 'csv';
  if (isFolder(input)) return 'pictures';
  throw new FlowError(
    'invalid_argument',
    `${input}: expected a folder, or a name that ends in .jsonl, .ndjson or .csv (and .gz); --format says what it is`,
  );
}

function isFolder(input: string): boolean {
  try {
    return statSync(input).isDirectory();
  } catch (error) {
    throw FlowError.from(error, 'file_not_found', `cannot read ${input}`);
  }
}

/** One pair of files for each input and target, so that jobs do not take each other's. */
function filesOf({ place, target, input, options }: SendSettings): { state: string; badRows: string } {
  const absolute = input === '-' ? input : path.resolve(input);
  const name = `index-${identityOf(absolute, target, options.endpoint).slice(0, 12)}`;
  const state = path.resolve(options.state ?? path.join(place, '.sluice', 'jobs', `${name}.json`));
  return { state, badRows: path.resolve(options.badRows ?? state.replace(/(?:\.json)?$/, '.bad-rows.jsonl')) };
}

/** The flow on a free port of the loopback, so that one which serves is not in the way. */
async function startForJob(output: Output, plan: Plan, signal: AbortSignal): Promise<RunningFlow> {
  const gateway: Writable<Plan['gateway']> = {
    ...plan.gateway,
    host: '127.0.0.1',
    listeners: [{ port: 0, protocols: ['http'] }],
  };
  delete gateway.tls;
  const progress = showWorkerProgress(output, plan);
  const log = output.heldLogger(plan.name);
  try {
    const onWorker = progress.update.bind(progress);
    const running = await startFlow({ ...plan, gateway }, { logger: log.logger, onWorker, signal });
    log.release();
    return running;
  } finally {
    progress.end();
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
