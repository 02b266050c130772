import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { FlowError, monotonicMs } from '../core/index.ts';
import { type Call, DocumentArray, type ExecutorContext, type JsonObject, Tensor } from '../executors/sdk/index.ts';
import { Indexer } from '../executors/indexer/index.ts';

/** What one step took. */
export interface StepTimes {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What a process measured that fills an index, or that opens one. */
export interface IndexRun {
  readonly steps: Readonly<Record<string, StepTimes>>;
  /** Bytes of the files of the workspace. */
  readonly files: Readonly<Record<string, number>>;
  /** Resident memory of the open index, bytes, without what the process had before. */
  readonly memoryBytes: number;
  /** Median ms of one search, by what was asked; of a process that opens one. */
  readonly searchMs: Readonly<Record<string, number>>;
  readonly facts: JsonObject;
}

const batchRows = 128;
const searches = 60;
const clusters = 200;

/** A program: measures in a process of its own. Arguments: fill or serve, folder, engine, rows, numbers of a row. */
async function main([mode, folder = '', engine = '', rows = '', dimension = '']: readonly string[]): Promise<void> {
  const next = vectorSource(Number(dimension));
  const steps: Record<string, StepTimes> = {};
  const step = async (name: string, work: () => Promise<void> | void): Promise<void> => {
    const [startMs, start] = [monotonicMs(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(start);
    steps[name] = { wallMs: monotonicMs() - startMs, cpuMs: (user + system) / 1e3 };
  };
  const before = process.memoryUsage.rss();
  const indexer = new Indexer(Indexer.options.parse({ engine, filter_by: ['n'] }), contextOf(folder));
  await step('open', async () => {
    await indexer.init();
  });
  const memoryBytes = process.memoryUsage.rss() - before;
  if (mode === 'fill') {
    await step('write', () => {
      fill(indexer, Number(rows), next);
    });
  }
  const searchMs = mode === 'fill' ? {} : searchTimes(indexer, next);
  const facts = indexer.status();
  await step('close', () => {
    indexer.close();
  });
  const files = Object.fromEntries(
    readdirSync(folder).map((name) => [name.replace(/-\d+/, ''), statSync(path.join(folder, name)).size]),
  );
  const run: IndexRun = { steps, files, memoryBytes, searchMs, facts };
  process.stdout.write(JSON.stringify(run));
}

function fill(indexer: Indexer, rows: number, next: () => Float32Array): void {
  for (let first = 0; first < rows; first += batchRows) {
    const docs = DocumentArray.fromInputs(
      Array.from({ length: Math.min(batchRows, rows - first) }, (_, place) => ({
        id: `document-${first + place}`,
        text: 'a caption of some forty characters, or so',
        tags: { n: (first + place) % 100 },
        embedding: Tensor.vector(next()),
      })),
    );
    indexer.index(docs, callOf('/index', docs, {}));
  }
}

function searchTimes(indexer: Indexer, next: () => Float32Array): Record<string, number> {
  const kinds: Record<string, JsonObject> = {
    plain: {},
    'half of the rows': { filter: { n: { $lt: 50 } } },
    '1 % of the rows': { filter: { n: 7 } },
    exact: { exact: true },
  };
  return Object.fromEntries(
    Object.entries(kinds).map(([name, parameters]) => {
      const times = Array.from({ length: searches }, () => {
        const docs = DocumentArray.fromInputs([{ embedding: Tensor.vector(next()) }]);
        const startMs = monotonicMs();
        indexer.search(docs, callOf('/search', docs, parameters));
        if (docs[0]?.matches?.length !== 10) throw new FlowError('internal', `a search (${name}) found too few`);
        return monotonicMs() - startMs;
      }).sort((a, b) => a - b);
      return [name, times[searches / 2] ?? NaN];
    }),
  );
}

function contextOf(folder: string): ExecutorContext {
  const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const place = { name: 'indexer', replica: 0, replicas: 1, shard: 0, shards: 1, device: 'cpu', threads: 2 };
  return { ...place, metas: {}, env: {}, logger, workspace: () => folder, progress: nothing, count: nothing };
}

function callOf(endpoint: string, docs: DocumentArray, parameters: JsonObject): Call {
  return {
    endpoint,
    parameters,
    requests: [{ requestId: 'bench', rows: [0, docs.length], parameters }],
    signal: new AbortController().signal,
    deadline: Infinity,
    branches: undefined,
    logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    fail: (_request, error) => {
      throw error;
    },
    phase: (_name, work) => work(),
    countTokens: nothing,
    reportCost: nothing,
  };
}

function nothing(): void {
  return;
}

/** Vectors around 200 centres, as embeddings of texts lie; the same in every run. */
function vectorSource(dimension: number): () => Float32Array {
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const vector = (): Float32Array => Float32Array.from({ length: dimension }, () => uniform() + uniform() - 1);
  const centres = Array.from({ length: clusters }, vector);
  return () => {
    const centre = centres[Math.floor(uniform() * clusters)];
    return vector().map((value, place) => 0.7 * value + (centre?.[place] ?? 0));
  };
}

await main(process.argv.slice(2));
