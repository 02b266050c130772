import { execFileSync } from 'node:child_process';

/** The pins of the Python packages are those of this Python. */
const needed = 'Python 3.11';

/** Why tests that make a virtual environment are skipped, or `false` where they can run. */
export function missingPython(): string | false {
  const found = version();
  return found.startsWith(needed) ? false : `needs ${needed}, found ${found}`;
}

function version(): string {
  try {
    return execFileSync('python3', ['--version'], { encoding: 'utf8' });
  } catch (error) {
    return `none (${error instanceof Error ? error.message : String(error)})`;
  }
}
