import type { Measurement } from './load-run.ts';
import type { Progress } from './scenario.ts';

/** Something that is measured again and again, in turn with others. */
export interface Subject {
  readonly name: string;
  measure(): Promise<Measurement>;
}

/** All measurements by subject, in the order of the rounds: entry i of each belongs to one round. */
export type Rounds = ReadonlyMap<string, readonly Measurement[]>;

/**
 * Measures all subjects in turn, `rounds` times. Every other round goes backwards, so that what drifts or what one
 * leaves behind for the next does not always hit the same.
 */
export async function interleave(subjects: readonly Subject[], rounds: number, progress: Progress): Promise<Rounds> {
  const results = new Map<string, Measurement[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const measurement = await subject.measure();
      results.get(subject.name)?.push(measurement);
      progress(
        `round ${round + 1}/${rounds}  ${subject.name}: ${measurement.requestsPerSecond.toFixed(0)} requests/s, p50 ${measurement.p50Ms.toFixed(3)} ms`,
      );
    }
  }
  return results;
}

/** One figure of a subject, by round. */
export function series(rounds: Rounds, name: string, pick: (measurement: Measurement) => number): number[] {
  return (rounds.get(name) ?? []).map(pick);
}

/** What went wrong for any subject; empty when every answer was right. */
export function faultsOf(rounds: Rounds): string[] {
  return [...rounds].flatMap(([name, measurements]) => {
    const wrong = measurements.reduce((sum, each) => sum + each.wrong, 0);
    const errors = measurements.reduce((sum, each) => sum + each.errors, 0);
    if (wrong + errors === 0) return [];
    const examples = [...new Set(measurements.flatMap((each) => each.faults))].slice(0, 3);
    return [`${name}: ${wrong} wrong answers, ${errors} missing: ${examples.join('; ')}`];
  });
}
