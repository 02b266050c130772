import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/**
 * Loaded into a process before everything else (`node --import`): SIGUSR2 starts a CPU profile, the next one ends it
 * and writes `<pid>.cpuprofile`. A file `<pid>.hooked` says that the process is ready for the signal.
 */
const folder = process.env['SLUICE_BENCH_PROFILES'] ?? '.';
const samplingMicros = 250;
let session: Session | undefined;

async function toggle(): Promise<void> {
  if (session === undefined) {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: samplingMicros });
    await session.post('Profiler.start');
    return;
  }
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  session = undefined;
  writeFileSync(`${folder}/${process.pid}.cpuprofile`, JSON.stringify(profile));
  writeFileSync(`${folder}/${process.pid}.written`, '');
}

process.on('SIGUSR2', () => void toggle());
writeFileSync(`${folder}/${process.pid}.hooked`, '');
