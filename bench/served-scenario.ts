import { FlowError } from '../core/index.ts';
import { figure, percentage } from './figure.ts';
import { faultsOf } from './interleave.ts';
import { measure, type Measurement } from './load-run.ts';
import { type OfflinePlan, type OfflineRun, planName, runOffline } from './offline-run.ts';
import type { BenchMode, Progress, ScenarioReport } from './scenario.ts';
import { freePort, type Service, startService } from './service.ts';
import { estimateMedian, estimateRatio } from './statistics.ts';
import { encoderService, encoderSkip, readTexts, textBodies, type TextSet } from './texts.ts';

const callers = 64;
const shapes = [
  { processes: 1, threads: 2 },
  { processes: 2, threads: 1 },
];
const sets: readonly TextSet[] = ['abstracts', 'questions'];
/** Least cosine between a served vector and the same text computed alone: int8 scales depend on the whole batch. */
const leastCosine = 0.97;

interface SetResult {
  readonly set: TextSet;
  readonly search: readonly (readonly [plan: string, textsPerSecond: number])[];
  readonly offline: OfflinePlan;
  readonly offlineRates: readonly number[];
  readonly served: readonly (readonly [replicas: number, measurements: readonly Measurement[]])[];
  readonly least: number;
}

/**
 * Single-text requests from 64 callers to the Encoder, against the best plain loop in a process of its own: the same
 * model, texts and cores, 1 process x 2 threads or 2 x 1, any batch size, sorted only within windows of 64.
 */
export async function servedScenario(mode: BenchMode, progress: Progress): Promise<ScenarioReport> {
  const empty = { name: 'served', tables: [], targets: [], measurements: {}, faults: [] };
  const skip = encoderSkip();
  if (skip !== undefined) return { ...empty, notes: [skip] };
  if (mode.servedRounds === 0) return { ...empty, notes: ['left out of a quick run'] };
  const results: SetResult[] = [];
  for (const set of sets) results.push(await measureSet(set, mode, progress));
  const rows = results.flatMap(({ set, offline, offlineRates, served }) => [
    [`${set}, offline: ${planName(offline)}`, figure(estimateMedian(offlineRates), 1), '', '', ''],
    ...served.map(([replicas, all]) => [
      `${set}, served, ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`,
      figure(estimateMedian(all.map(rateOf)), 1),
      percentage(estimateRatio(all.map(rateOf), offlineRates)),
      figure(estimateMedian(all.map((each) => each.p50Ms)), 0),
      figure(estimateMedian(all.map((each) => each.parentCpuMicros + each.clientCpuMicros)), 0),
    ]),
  ]);
  const targets = results.map(({ set, offlineRates, served }) => {
    const ratios = served.map(([, all]) => estimateRatio(all.map(rateOf), offlineRates));
    const best = ratios.reduce((most, each) => (each.value > most.value ? each : most));
    const measured = { ...best, value: best.value * 100, low: best.low * 100, high: best.high * 100 };
    return { text: `${set}: served at least 90 % of offline`, measured, unit: '%', isMet: best.value >= 0.9 };
  });
  const searches = results.map(({ set, search }) => ({
    title: `search for the best offline loop, ${set}`,
    columns: ['', 'texts/s'],
    rows: search.map(([plan, rate]) => [plan, rate.toFixed(1)]),
  }));
  const columns = ['', 'texts/s', 'of offline', 'p50 ms', 'parent + client CPU us'];
  return {
    name: 'served',
    notes: [
      `${callers} callers, one text a request, all-MiniLM-L6-v2 (int8); the load generator runs on the same cores. ` +
        `Least cosine between a served vector and the same text alone: ${Math.min(...results.map(({ least }) => least)).toFixed(4)}.`,
    ],
    tables: [...searches, { title: 'served against offline', columns, rows }],
    targets,
    measurements: results,
    faults: results.flatMap(({ set, served, least }) => [
      ...served.flatMap(([replicas, all]) => faultsOf(new Map([[`${set}, ${replicas} replicas`, all]]))),
      ...(least < leastCosine ? [`${set}: a served vector has cosine ${least.toFixed(4)} with its text's own`] : []),
    ]),
  };
}

function rateOf(measurement: Measurement): number {
  return measurement.requestsPerSecond;
}

async function measureSet(set: TextSet, mode: BenchMode, progress: Progress): Promise<SetResult> {
  const { offline, search } = await searchOffline(set, mode, progress);
  const served = new Map<number, Measurement[]>();
  const offlineRates: number[] = [];
  let least = 1;
  for (let round = 0; round < mode.servedRounds; round++) {
    const run = await runOffline(offline, { set, warmupMs: mode.warmupMs, durationMs: mode.durationMs * 2 });
    offlineRates.push(run.textsPerSecond);
    progress(`${set} round ${round + 1}/${mode.servedRounds}  offline: ${run.textsPerSecond.toFixed(1)} texts/s`);
    for (const { processes: replicas } of shapes) {
      const measured = await measureServed(set, replicas, run, mode);
      served.set(replicas, [...(served.get(replicas) ?? []), measured.measurement]);
      least = Math.min(least, measured.least);
      progress(`  served, ${replicas} replicas: ${measured.measurement.requestsPerSecond.toFixed(1)} texts/s`);
    }
  }
  return { set, search, offline, offlineRates, served: [...served], least };
}

/** Tries every shape and batch size once, the best three again and longer. */
async function searchOffline(
  set: TextSet,
  mode: BenchMode,
  progress: Progress,
): Promise<{ offline: OfflinePlan; search: [string, number][] }> {
  const plans = shapes.flatMap((shape) => mode.offlineBatches.map((batch) => ({ ...shape, batch })));
  const tried: { plan: OfflinePlan; rate: number }[] = [];
  for (const plan of plans) tried.push({ plan, rate: await rateOfPlan(plan, mode.durationMs / 2) });
  const finalists = tried.toSorted((a, b) => b.rate - a.rate).slice(0, 3);
  const again: { plan: OfflinePlan; rate: number }[] = [];
  for (const { plan } of finalists) again.push({ plan, rate: await rateOfPlan(plan, mode.durationMs * 2) });
  const [best] = again.toSorted((a, b) => b.rate - a.rate);
  if (best === undefined) throw new FlowError('internal', 'no offline loop was tried; this is a bug');
  return { offline: best.plan, search: tried.map(({ plan, rate }) => [planName(plan), rate]) };

  async function rateOfPlan(plan: OfflinePlan, durationMs: number): Promise<number> {
    const { textsPerSecond } = await runOffline(plan, { set, warmupMs: mode.warmupMs / 2, durationMs });
    progress(`${set}, offline ${planName(plan)}: ${textsPerSecond.toFixed(1)} texts/s`);
    return textsPerSecond;
  }
}

async function measureServed(
  set: TextSet,
  replicas: number,
  offline: OfflineRun,
  mode: BenchMode,
): Promise<{ measurement: Measurement; least: number }> {
  const service = await startService(
    encoderService({ name: `${replicas} replicas`, replicas, port: await freePort() }),
  );
  try {
    const measurement = await measure(service, {
      connections: callers,
      body: { file: textBodies(set) },
      contains: ['"embedding":['],
      warmupMs: mode.warmupMs * 2,
      durationMs: mode.durationMs * 2,
    });
    return { measurement, least: await leastCosineOf(service, set, offline) };
  } finally {
    await service.stop();
  }
}

/** Asks for the sample's texts all at once, so that they share model calls, and compares. */
async function leastCosineOf(service: Service, set: TextSet, { sample }: OfflineRun): Promise<number> {
  const texts = readTexts(set).slice(0, sample.length);
  const cosines = texts.map(async (text, index) => {
    const answer = await fetch(service.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data: [{ text }], execEndpoint: '/encode' }),
    });
    const { data } = (await answer.json()) as { data: { embedding: number[] }[] };
    return dot(data[0]?.embedding ?? [], sample[index] ?? []);
  });
  return Math.min(...(await Promise.all(cosines)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
