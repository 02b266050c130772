import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Document, type DocumentArray, FlowError } from '../../client/index.ts';
import { loadFlow, type RunningFlow, startFlow } from '../../index.ts';
import { type DataSet, mean, measureQueries, missingFiles, type Rankings, readDataSet } from '../../jobs/index.ts';
import { bruteForce, rankingsOf } from './evaluation.ts';

const usage = `Indexes a data set through a running search flow, asks its questions, and measures what is found.

  node --import tsx examples/retrieval/run.ts --data FOLDER [--model MODEL | --host URL] [--count N]

  --data   folder in BEIR layout (corpus.jsonl, queries.jsonl, qrels/test.tsv); default: SLUICE_DATA
  --model  model folder or hub name for a flow that is started for the run; default: SLUICE_MODEL
  --host   use the flow that runs there instead; its index should be empty
  --count  only the first N questions and the texts that answer them
`;

const depths = [1, 5, 10];
/** Texts in one request: enough for the encoder to find company of like length, few enough for progress. */
const requestSize = 32;
const inFlight = 4;
const pageSize = 200;
const timeoutMs = 600_000;
/** Texts that are encoded once more, to see that the index holds what the encoder gives. */
const sampleSize = 16;
const sampleTolerance = 1e-5;

interface Settings {
  readonly data: string;
  readonly host: string | undefined;
  readonly model: string | undefined;
  readonly count: number;
}

/** @returns the exit status: 0 also when it was skipped, 1 when the index does not find what comparing finds */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      host: { type: 'string' },
      model: { type: 'string' },
      count: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    say(usage);
    return 0;
  }
  const settings: Settings = {
    data: values.data ?? process.env['SLUICE_DATA'] ?? '',
    host: values.host,
    model: values.model ?? process.env['SLUICE_MODEL'],
    count: values.count === undefined ? Infinity : Number(values.count),
  };
  const reason = reasonToSkip(settings);
  if (reason !== undefined) {
    say(`skipped: ${reason}\n\n${usage}`);
    return 0;
  }
  const data = readDataSet(settings.data, settings.count);
  if (settings.host !== undefined) return await measure(data, settings.host);
  const workspace = mkdtempSync(join(tmpdir(), 'sluice-retrieval-'));
  let flow: RunningFlow | undefined;
  try {
    flow = await start(workspace, settings.model);
    return await measure(data, flow.urls[0] ?? '');
  } finally {
    await flow?.stop();
    rmSync(workspace, { recursive: true });
  }
}

function reasonToSkip({ data, host, model, count }: Settings): string | undefined {
  if (data === '') return 'no data set: give --data or SLUICE_DATA';
  const missing = missingFiles(data);
  if (missing.length > 0) return `${data} has no ${missing.join(', ')}`;
  if (host === undefined && !model) return 'no model: give --model or SLUICE_MODEL, or the --host of a running flow';
  if (!(count >= 1)) return '--count must be a number of at least 1';
  return undefined;
}

/** Starts the shipped search flow on a free port with an empty index. */
async function start(workspace: string, model: string | undefined): Promise<RunningFlow> {
  const file = fileURLToPath(new URL('flow.yml', import.meta.url));
  const env = { ...process.env, SLUICE_MODEL: model };
  const { plan } = await loadFlow(file, { env });
  const before = performance.now();
  const flow = await startFlow(
    {
      ...plan,
      gateway: { ...plan.gateway, listeners: [{ port: 0, protocols: ['http'] }] },
      executors: plan.executors.map((executor) => ({ ...executor, workspace })),
    },
    { env },
  );
  say(`flow ready      ${seconds(before)} s at ${flow.urls.join(', ')}`);
  return flow;
}

async function measure(data: DataSet, host: string): Promise<number> {
  const client = new Client({ host, timeoutMs });
  try {
    const depth = Math.max(...depths);
    await timed('indexed', data.corpus.length, async () => {
      await client.index(data.corpus, { requestSize, prefetch: inFlight, showProgress: true });
    });
    const answers = await timed('searched', data.queries.length, async () =>
      client.search(data.queries, {
        requestSize,
        prefetch: inFlight,
        showProgress: true,
        resultsInOrder: true,
        parameters: { limit: depth },
      }),
    );
    const served = rankingsOf(answers);
    const stored = await fetchAll(client);
    const exact = bruteForce(answers, stored, depth);
    for (const each of depths) {
      const floor = data.floor.get(each);
      say(
        `Recall@${each}`.padEnd(16) +
          `${percent(recallOf(each, served, data))}   comparing all: ${percent(recallOf(each, exact, data))}` +
          (floor === undefined ? '' : `   words (BM25): ${floor.toFixed(2)} %`),
      );
    }
    const equal = [...served].filter(([id, ids]) => exact.get(id)?.join() === ids.join()).length;
    say(`same ${depth} matches ${equal} of ${served.size} questions, in the same order as comparing all`);
    const distance = await largestDistance(client, data.corpus.slice(0, sampleSize), stored);
    say(
      `stored vectors  differ from /encode by at most ${distance.toExponential(1)} (${Math.min(sampleSize, data.corpus.length)} texts)`,
    );
    const isExact = depths.every((each) => recallOf(each, served, data) === recallOf(each, exact, data));
    return isExact && distance <= sampleTolerance ? 0 : 1;
  } finally {
    await client.close();
  }
}

/** Recall over the questions that were asked. */
function recallOf(depth: number, rankings: Rankings, { relevant }: DataSet): number {
  const asked = new Map([...relevant].filter(([query]) => rankings.has(query)));
  return mean(measureQueries('recall', depth, rankings, asked).values());
}

/** All documents of the index with their embeddings, page by page. */
async function fetchAll(client: Client): Promise<Document[]> {
  const all: Document[] = [];
  for (;;) {
    const parameters = { offset: all.length, limit: pageSize, embeddings: true };
    const page = await client.post('/fetch', undefined, { parameters });
    all.push(...page);
    if (page.length < pageSize) return all;
  }
}

/** How far the embeddings that `/encode` gives now are from those in the index, in one number of a vector. */
async function largestDistance(
  client: Client,
  texts: readonly Document[],
  stored: readonly Document[],
): Promise<number> {
  const inputs = texts.map(({ id, text = '' }) => new Document({ id, text }));
  const encoded: DocumentArray = await client.post('/encode', inputs, { requestSize: 1 });
  const byId = new Map(stored.map((doc) => [doc.id, doc.embedding?.data]));
  let largest = 0;
  for (const { id, embedding } of encoded) {
    const other = byId.get(id);
    embedding?.data.forEach((value, index) => {
      largest = Math.max(largest, Math.abs(Number(value) - Number(other?.[index] ?? NaN)));
    });
  }
  return largest;
}

async function timed<T>(what: string, count: number, work: () => Promise<T>): Promise<T> {
  const before = performance.now();
  const result = await work();
  const elapsed = Number(seconds(before));
  say(`${what.padEnd(16)}${count} in ${elapsed.toFixed(1)} s (${(count / elapsed).toFixed(1)} a second)`);
  return result;
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(2);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${FlowError.from(error).message}\n`);
  process.exitCode = 1;
}
