import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { FlowError, monotonicMs } from '../core/index.ts';
import { type Call, DocumentArray, type ExecutorContext, type JsonObject, Tensor } from '../executors/sdk/index.ts';
import { Indexer } from '../executors/indexer/index.ts';

/** What one engine took for some rows. */
export interface IndexRun {
  readonly steps: Readonly<Record<string, { readonly wallMs: number; readonly cpuMs: number }>>;
  /** Resident memory more than before anything was indexed, bytes; after opening what is on the disk. */
  readonly memoryBytes: number;
  /** Bytes of the files of the workspace. */
  readonly files: Readonly<Record<string, number>>;
  /** Median ms of one search, by what was asked. */
  readonly searchMs: Readonly<Record<string, number>>;
  readonly facts: JsonObject;
}

const batchRows = 128;
const searches = 60;
const clusters = 200;

/** A program: measures one engine in a process of its own. Arguments: folder, engine, rows, numbers of a row. */
async function main([folder = '', engine = '', rows = '', dimension = '']: readonly string[]): Promise<void> {
  const run = await measure(folder, engine, Number(rows), Number(dimension));
  process.stdout.write(JSON.stringify(run));
}

async function measure(folder: string, engine: string, rows: number, dimension: number): Promise<IndexRun> {
  const next = vectorSource(dimension);
  const steps: Record<string, { wallMs: number; cpuMs: number }> = {};
  const step = async (name: string, work: () => Promise<void> | void): Promise<void> => {
    const [startMs, start] = [monotonicMs(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(start);
    steps[name] = { wallMs: monotonicMs() - startMs, cpuMs: (user + system) / 1e3 };
  };
  const open = async (): Promise<Indexer> => {
    const indexer = new Indexer(Indexer.options.parse({ engine, filter_by: ['n'] }), contextOf(folder));
    await indexer.init();
    return indexer;
  };
  let indexer = await open();
  await step('write', () => {
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
  });
  await step('close', () => {
    indexer.close();
  });
  const files = Object.fromEntries(
    readdirSync(folder).map((name) => [name.replace(/-\d+/, ''), statSync(path.join(folder, name)).size]),
  );
  if (engine === 'usearch') {
    for (const name of readdirSync(folder)) if (name.startsWith('graph')) rmSync(path.join(folder, name));
    await step('open without graph', async () => {
      indexer = await open();
    });
    indexer.close();
  }
  const before = process.memoryUsage.rss();
  await step('open', async () => {
    indexer = await open();
  });
  const memoryBytes = process.memoryUsage.rss() - before;
  const searchMs: Record<string, number> = {};
  for (const [name, parameters] of Object.entries({
    plain: {},
    'half of the rows': { filter: { n: { $lt: 50 } } },
    '1 % of the rows': { filter: { n: 7 } },
    exact: { exact: true },
  })) {
    const times = Array.from({ length: searches }, () => {
      const docs = DocumentArray.fromInputs([{ embedding: Tensor.vector(next()) }]);
      const startMs = monotonicMs();
      indexer.search(docs, callOf('/search', docs, parameters));
      if (docs[0]?.matches?.length !== 10) throw new FlowError('internal', `a search (${name}) found too few`);
      return monotonicMs() - startMs;
    }).sort((a, b) => a - b);
    searchMs[name] = times[searches / 2] ?? NaN;
  }
  const facts = indexer.status();
  indexer.close();
  return { steps, memoryBytes, files, searchMs, facts };
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
