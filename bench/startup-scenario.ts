import { figure } from './figure.ts';
import { processUsage } from './process-usage.ts';
import type { BenchMode, Progress, ScenarioReport } from './scenario.ts';
import { freePort, type ServiceSpec, startService } from './service.ts';
import { estimateMedian } from './statistics.ts';
import { bareLine, shortDocument, sluice } from './subjects.ts';

interface Start {
  readonly readyLineMs: number | undefined;
  readonly firstAnswerMs: number;
  readonly parentRssBytes: number;
  readonly childrenRssBytes: number;
}

/** From the start of the command to the first answer, and the memory of a service that has answered once. */
export async function startupScenario(
  mode: BenchMode,
  progress: Progress,
  peers: readonly ((port: number) => ServiceSpec)[] = [],
): Promise<ScenarioReport> {
  const echo = (port: number): ServiceSpec =>
    sluice({ name: 'sluice', file: 'echo.yml' }, port, shortDocument('/echo'));
  const starts = new Map<string, Start[]>();
  for (let round = 0; round < mode.starts; round++) {
    for (const make of [bareLine, echo, ...peers]) {
      const spec = make(await freePort());
      const start = await startOnce(spec);
      starts.set(spec.name, [...(starts.get(spec.name) ?? []), start]);
      progress(`start ${round + 1}/${mode.starts}  ${spec.name}: ${start.firstAnswerMs.toFixed(0)} ms`);
    }
  }
  const rows = [...starts].map(([name, all]) => {
    const ready = all.flatMap(({ readyLineMs }) => (readyLineMs === undefined ? [] : [readyLineMs]));
    const of = (pick: (start: Start) => number, scale: number): string =>
      figure(estimateMedian(all.map((start) => pick(start) / scale)), 0);
    return [
      name,
      ready.length === 0 ? '' : figure(estimateMedian(ready), 0),
      of((start) => start.firstAnswerMs, 1),
      of((start) => start.parentRssBytes, 2 ** 20),
      of((start) => start.childrenRssBytes, 2 ** 20),
    ];
  });
  const columns = ['', 'ready line ms', 'first answer ms', 'parent MiB', 'children MiB'];
  return {
    name: 'startup',
    notes: [
      'From spawn to the line that says ready and to the first answer (asked every 10 ms); memory right after it.',
    ],
    tables: [{ title: 'start-up and memory', columns, rows }],
    targets: [],
    measurements: Object.fromEntries(starts),
    faults: [],
  };
}

async function startOnce(spec: ServiceSpec): Promise<Start> {
  const service = await startService(spec);
  const [parent, ...children] = service.pids.map(processUsage);
  const { readyLineMs, firstAnswerMs } = service;
  await service.stop();
  return {
    readyLineMs,
    firstAnswerMs,
    parentRssBytes: parent?.rssBytes ?? 0,
    childrenRssBytes: children.reduce((sum, usage) => sum + usage.rssBytes, 0),
  };
}
