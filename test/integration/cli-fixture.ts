import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandResult, runCommand, RunningCommand } from './running-command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = path.join(root, 'bin', 'sluice.js');

/** Absolute path of a fixture executor. */
export function fixture(file: string): string {
  return path.join(root, 'test', 'fixtures', 'executors', file);
}

/** A folder with flow files, and `sluice` run in it as a real process. */
export class CliFolder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'sluice-cli-'));
  readonly #commands: RunningCommand[] = [];

  write(file: string, text: string): void {
    writeFileSync(path.join(this.path, file), text);
  }

  /** A flow of fixture executors on a free port; `executors` is the YAML list's text. */
  writeFlow(file: string, executors: string, gateway = 'port: 0'): void {
    this.write(file, `jtype: Flow\nwith: { ${gateway} }\nexecutors:\n${executors}\n`);
  }

  run(...args: string[]): Promise<CommandResult> {
    return runCommand(process.execPath, [bin, ...args], { cwd: this.path });
  }

  start(...args: string[]): RunningCommand {
    const command = new RunningCommand(process.execPath, [bin, ...args], { cwd: this.path });
    this.#commands.push(command);
    return command;
  }

  /** Ends what still runs and removes the folder. */
  async remove(): Promise<void> {
    for (const command of this.#commands) await command.kill();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The address of `sluice --json up`, once it is ready. */
export async function readyUrl(up: RunningCommand): Promise<string> {
  const { urls } = await up.record('ready');
  return String((urls as unknown[])[0]);
}

/** Whether a process is still there. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
