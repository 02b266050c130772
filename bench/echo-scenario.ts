import { faultsOf, interleave, type Rounds, series, type Subject } from './interleave.ts';
import { loadTable } from './figure.ts';
import { measure } from './load-run.ts';
import type { BenchMode, Progress, ScenarioReport, Target } from './scenario.ts';
import { freePort, type Service, type ServiceSpec, startService } from './service.ts';
import { estimateMedian, estimateRatio } from './statistics.ts';
import { bareLine, failureMarks, shortDocument, sluice } from './subjects.ts';

const bare = 'bare line';
const plain = 'sluice';
const batched = 'sluice, batched';

/** A server of somebody else in the same rounds, and the body it takes. */
export interface Peer {
  readonly spec: ServiceSpec;
  readonly body: string;
}

/**
 * One short document to an executor that changes nothing, 1 and 64 callers.
 *
 * @param peers others that are measured in the same rounds
 */
export async function echoScenario(
  mode: BenchMode,
  progress: Progress,
  peers: readonly Peer[] = [],
): Promise<ScenarioReport> {
  const services: Service[] = [];
  const start = async (spec: ServiceSpec): Promise<Service> => {
    progress(`starting ${spec.name}`);
    const service = await startService(spec);
    services.push(service);
    return service;
  };
  try {
    const bareService = await start(bareLine(await freePort()));
    const flow = { name: plain, file: 'echo.yml' };
    const sluiceService = await start(sluice(flow, await freePort(), shortDocument('/echo')));
    const candidates = [
      { name: bare, service: bareService, body: shortDocument('/echo') },
      { name: plain, service: sluiceService, body: shortDocument('/echo') },
      { name: batched, service: sluiceService, body: shortDocument('/echo-batched') },
    ];
    for (const { spec, body } of peers) candidates.push({ name: spec.name, service: await start(spec), body });
    const at = async (connections: number): Promise<Rounds> => {
      const options = { connections, warmupMs: mode.warmupMs, durationMs: mode.durationMs, excludes: failureMarks };
      const subjects: Subject[] = candidates.map(({ name, service, body }) => ({
        name,
        measure: () => measure(service, { ...options, body }),
      }));
      progress(`${connections} callers: warm-up`);
      for (const { service, body } of candidates) {
        await measure(service, { ...options, body, warmupMs: 0, durationMs: Math.max(1500, mode.durationMs) });
      }
      return await interleave(subjects, mode.rounds, progress);
    };
    const many = await at(64);
    const single = await at(1);
    return report(many, single, peers);
  } finally {
    await Promise.all(services.map((service) => service.stop()));
  }
}

function report(many: Rounds, single: Rounds, peers: readonly Peer[]): ScenarioReport {
  const rate = (name: string): number[] => series(many, name, (each) => each.requestsPerSecond);
  const targets: Target[] = [];
  for (const name of [plain, batched]) {
    const part = estimateRatio(rate(name), rate(bare));
    targets.push({
      text: `${name}, 64 callers: at least 30 % of the bare line`,
      measured: scaled(part, 100),
      unit: '%',
      isMet: part.value >= 0.3,
    });
    const p50 = estimateMedian(series(single, name, (each) => each.p50Ms));
    targets.push({
      text: `${name}, 1 caller: p50 at most 0.35 ms`,
      measured: p50,
      unit: 'ms',
      isMet: p50.value <= 0.35,
    });
  }
  const jina = peers.find(({ spec }) => spec.name.startsWith('Jina'))?.spec.name;
  if (jina !== undefined) {
    for (const name of [plain, batched]) {
      const times = estimateRatio(rate(name), rate(jina));
      const text = `${name}, 64 callers: at least 25 times Jina`;
      targets.push({ text, measured: times, unit: 'times', isMet: times.value >= 25 });
    }
  }
  return {
    name: 'echo',
    notes: [
      'One short document, an executor that changes nothing, metrics on. Compared with the bare line and the peers is ' +
        '"sluice": each request is a call of its own, as it is for them. "sluice, batched" is the same executor with ' +
        '@dynamicBatching({ preferredBatchSize: 64 }).',
    ],
    tables: [loadTable('echo, 64 callers', many, bare), loadTable('echo, 1 caller', single, bare)],
    targets,
    measurements: { callers64: Object.fromEntries(many), callers1: Object.fromEntries(single) },
    faults: [...faultsOf(many), ...faultsOf(single)],
  };
}

function scaled(estimate: ReturnType<typeof estimateMedian>, factor: number): typeof estimate {
  const { value, low, high, count } = estimate;
  return { value: value * factor, low: low * factor, high: high * factor, count };
}
