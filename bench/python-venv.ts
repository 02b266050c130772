import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { FlowError } from '../core/index.ts';
import { benchPath } from './subjects.ts';

/**
 * The Python of a virtual environment with exactly what `bench/peers/<name>.txt` pins, made in .venvs/ when it is
 * missing or was made from other pins.
 *
 * @param python interpreter to make it with; the pins are those of Python 3.11
 * @throws `executor_load_failed` when the packages cannot be installed
 */
export function pythonOf(name: string, python: string, progress: (line: string) => void): string {
  const folder = benchPath(`../.venvs/${name}`);
  const pins = readFileSync(benchPath(`peers/${name}.txt`), 'utf8');
  const stamp = `${folder}/pins.txt`;
  const interpreter = `${folder}/bin/python`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === pins) return interpreter;
  progress(`making the virtual environment of ${name}`);
  try {
    execFileSync(python, ['-m', 'venv', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    const install = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      benchPath(`peers/${name}.txt`),
    ];
    execFileSync(interpreter, install, { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    throw FlowError.from(
      error,
      'executor_load_failed',
      `cannot make the virtual environment of ${name} with ${python}`,
    );
  }
  writeFileSync(stamp, pins);
  return interpreter;
}
