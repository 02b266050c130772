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
const serial = 'sluice, one at a time';
/** The first is the one that is compared: it does what the bare line does, and no more. */
const ours = [plain, batched, serial];

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
    const wideFlow = { name: plain, file: 'wide-echo.yml' };
    const wideService = await start(sluice(wideFlow, await freePort(), shortDocument('/echo')));
    const flow = { name: batched, file: 'echo.yml' };
    const service = await start(sluice(flow, await freePort(), shortDocument('/echo')));
    const candidates = [
      { name: bare, service: bareService, body: shortDocument('/echo') },
      { name: plain, service: wideService, body: shortDocument('/echo') },
      { name: batched, service, body: shortDocument('/echo-batched') },
      { name: serial, service, body: shortDocument('/echo') },
    ];
    for (const { spec, body } of peers) candidates.push({ name: spec.name, service: await start(spec), body });
    const at = async (connections: number): Promise<Rounds> => {
      const options = { connections, warmupMs: mode.warmupMs, durationMs: mode.durationMs, excludes: failureMarks };
      const subjects: Subject[] = candidates.map(({ name, service, body }) => ({
        name,
        measure: () => measure(service, { ...options, body }),
      }));
      return await interleave(subjects, mode.rounds, progress);
    };
    progress('warm-up of all');
    for (const { service, body } of candidates) {
      await measure(service, { connections: 64, body, warmupMs: 0, durationMs: Math.max(2000, mode.durationMs) });
    }
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
  for (const name of ours) {
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
    for (const name of ours) {
      const times = estimateRatio(rate(name), rate(jina));
      const text = `${name}, 64 callers: at least 25 times Jina`;
      targets.push({ text, measured: times, unit: 'times', isMet: times.value >= 25 });
    }
  }
  return {
    name: 'echo',
    notes: [
      'One short document, an executor that changes nothing, metrics on. Compared is "sluice": each request is a call ' +
        'of its own and the worker takes as many as come (concurrency: 64), as the child of the bare line does. ' +
        '"batched" joins what waits (@dynamicBatching({ preferredBatchSize: 64 })); "one at a time" is the default ' +
        'without @dynamicBatching: one call in the worker, as for the methods of the peers.',
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
