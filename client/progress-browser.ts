import type { Progress } from './progress.ts';

/** Takes the place of progress.ts where there is no terminal: draws nothing. */
export function startProgress(): Progress {
  return { advance: () => undefined, stop: () => undefined };
}
