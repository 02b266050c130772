/** The parts of a .cpuprofile file that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Node of each sample, and the microseconds since the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Time spent in one function itself, or in one file, without what it called. */
export interface SelfTime {
  readonly name: string;
  readonly micros: number;
}

/** Self time by function and by file, longest first; idle time is no part of it. */
export function selfTimes(profile: CpuProfile): { functions: SelfTime[]; files: SelfTime[]; totalMicros: number } {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  let totalMicros = 0;
  profile.samples.forEach((id, index) => {
    const frame = frames.get(id);
    // A delta leads up to its sample: the time until the next one belongs to it.
    const micros = Math.max(0, profile.timeDeltas[index + 1] ?? 0);
    if (frame === undefined || frame.functionName === '(idle)') return;
    totalMicros += micros;
    const file = frame.url === '' ? frame.functionName : shortPath(frame.url);
    const name =
      frame.url === '' ? frame.functionName : `${frame.functionName || '(anonymous)'} ${file}:${frame.lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + micros);
    const owner = frame.url === '' && !frame.functionName.startsWith('(') ? '(native)' : file;
    files.set(owner, (files.get(owner) ?? 0) + micros);
  });
  return { functions: longestFirst(functions), files: longestFirst(files), totalMicros };
}

function longestFirst(times: ReadonlyMap<string, number>): SelfTime[] {
  return [...times].map(([name, micros]) => ({ name, micros })).sort((a, b) => b.micros - a.micros);
}

/** From the package or the repository's folder on. */
function shortPath(url: string): string {
  const path = url.replace(/^file:\/\//, '').replace(/\?.*$/, '');
  const inPackage = /.*\/node_modules\/(.*)$/.exec(path)?.[1];
  if (inPackage !== undefined) return inPackage;
  const root = new URL('..', import.meta.url).pathname;
  return path.startsWith(root) ? path.slice(root.length) : path;
}
