import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { FlowError } from '../core/index.ts';
import { measure } from './load-run.ts';
import { commandLine } from './process-usage.ts';
import { type CpuProfile, type SelfTime, selfTimes } from './profile-table.ts';
import { formatTable } from './report.ts';
import { freePort, type ServiceSpec, startService, stopServicesOnExit } from './service.ts';
import { bareLine, benchPath, shortDocument, sluice } from './subjects.ts';
import { encoderService, textBodies } from './texts.ts';

/**
 * Where the CPU time of parent and children goes under load, as tables of self time for each request.
 *
 * node --import tsx bench/profile.ts [--subject echo|echo-batched|embed|bare] [--connections 64] [--top 25] [--keep DIR]
 *
 * `--keep` leaves the .cpuprofile files in DIR, for the profiler's own viewer.
 */
interface ProfileSubject {
  readonly spec: ServiceSpec;
  readonly body: string | { readonly file: string };
}

const warmupMs = 4000;
const profiledMs = 5000;

async function subjectOf(name: string, folder: string): Promise<ProfileSubject> {
  const port = await freePort();
  const hook = { NODE_OPTIONS: `--import tsx --import ${benchPath('profile-hook.ts')}`, SLUICE_BENCH_PROFILES: folder };
  const hooked = (spec: ServiceSpec): ServiceSpec => ({ ...spec, env: { ...spec.env, ...hook } });
  switch (name) {
    case 'echo':
    case 'echo-batched': {
      const body = shortDocument(`/${name}`);
      return { spec: hooked(sluice({ name, file: 'echo.yml' }, port, body)), body };
    }
    case 'embed':
      return { spec: hooked(encoderService({ name, replicas: 1, port })), body: { file: textBodies('questions') } };
    case 'bare':
      return { spec: hooked(bareLine(port)), body: shortDocument('/echo') };
    default:
      throw new FlowError('invalid_argument', `expected echo, echo-batched, embed or bare, got ${name}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      subject: { type: 'string', default: 'echo-batched' },
      connections: { type: 'string', default: '64' },
      top: { type: 'string', default: '25' },
      keep: { type: 'string' },
    },
  });
  stopServicesOnExit();
  const folder = values.keep ?? mkdtempSync(path.join(tmpdir(), 'sluice-profile-'));
  const { spec, body } = await subjectOf(values.subject, folder);
  const service = await startService(spec);
  try {
    const pids = service.pids.filter((pid) => existsSync(path.join(folder, `${pid}.hooked`)));
    const connections = Number(values.connections);
    const load = measure(service, { connections, body, warmupMs, durationMs: profiledMs + 1000 });
    await pause(warmupMs + 500);
    for (const pid of pids) process.kill(pid, 'SIGUSR2');
    await pause(profiledMs);
    for (const pid of pids) process.kill(pid, 'SIGUSR2');
    const { requestsPerSecond } = await load;
    process.stdout.write(
      `${values.subject}, ${connections} callers: ${requestsPerSecond.toFixed(0)} requests/s while profiled\n`,
    );
    for (const pid of pids) {
      const profile = await readProfile(folder, pid);
      const role = pid === pids[0] ? 'parent' : commandLine(pid).slice(-60);
      print(role, profile, (requestsPerSecond * profiledMs) / 1000, Number(values.top));
    }
  } finally {
    await service.stop();
    if (values.keep === undefined) rmSync(folder, { recursive: true });
  }
}

async function readProfile(folder: string, pid: number): Promise<CpuProfile> {
  for (let tries = 0; tries < 200; tries++) {
    if (readdirSync(folder).includes(`${pid}.written`)) {
      return JSON.parse(readFileSync(path.join(folder, `${pid}.cpuprofile`), 'utf8')) as CpuProfile;
    }
    await pause(100);
  }
  throw new FlowError('deadline_exceeded', `process ${pid} wrote no profile within 20 s`);
}

function print(role: string, profile: CpuProfile, requests: number, top: number): void {
  const { functions, files, totalMicros } = selfTimes(profile);
  const rows = (times: readonly SelfTime[]): string[][] =>
    times
      .slice(0, top)
      .map(({ name, micros }) => [
        name,
        (micros / requests).toFixed(2),
        `${((100 * micros) / totalMicros).toFixed(1)} %`,
      ]);
  const columns = ['', 'us a request', 'of busy time'];
  const total = (totalMicros / requests).toFixed(1);
  process.stdout.write(
    `\n${formatTable({ title: `${role}: ${total} us a request; by function`, columns, rows: rows(functions) })}\n`,
  );
  process.stdout.write(`\n${formatTable({ title: `${role}: by file`, columns, rows: rows(files) })}\n`);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

await main();
