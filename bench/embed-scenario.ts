import { loadTable } from './figure.ts';
import { faultsOf, interleave, type Rounds } from './interleave.ts';
import { measure } from './load-run.ts';
import type { BenchMode, Progress, ScenarioReport } from './scenario.ts';
import { freePort, startService } from './service.ts';
import { encoderService, encoderSkip, textBodies, type TextSet } from './texts.ts';

const sets: readonly TextSet[] = ['questions', 'abstracts'];

/** One text a request to the Encoder with a real model, 1 and 64 callers; without the model it says so and skips. */
export async function embedScenario(mode: BenchMode, progress: Progress): Promise<ScenarioReport> {
  const skip = encoderSkip();
  if (skip !== undefined) {
    return { name: 'embed', notes: [skip], tables: [], targets: [], measurements: {}, faults: [] };
  }
  progress('starting the encoder');
  const service = await startService(encoderService({ name: 'sluice', replicas: 1, port: await freePort() }));
  try {
    // A window has to hold many rounds of 64 texts, also of long ones.
    const durationMs = Math.max(3000, mode.durationMs);
    const results: { title: string; rounds: Rounds }[] = [];
    for (const connections of [64, 1]) {
      const subjects = sets.map((set) => {
        const options = { connections, body: { file: textBodies(set) }, contains: ['"embedding":['] };
        return { name: set, measure: () => measure(service, { ...options, warmupMs: 2000, durationMs }) };
      });
      const rounds = await interleave(subjects, Math.ceil(mode.rounds / 2), progress);
      results.push({ title: `embed, ${connections === 1 ? '1 caller' : `${connections} callers`}`, rounds });
    }
    return {
      name: 'embed',
      notes: ['One text a request, all-MiniLM-L6-v2 (int8), one worker with all cores; metrics on.'],
      tables: results.map(({ title, rounds }) => loadTable(title, rounds, undefined)),
      targets: [],
      measurements: Object.fromEntries(results.map(({ title, rounds }) => [title, Object.fromEntries(rounds)])),
      faults: results.flatMap(({ rounds }) => faultsOf(rounds)),
    };
  } finally {
    await service.stop();
  }
}
