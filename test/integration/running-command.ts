import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isObject } from '../../core/index.ts';

export interface CommandSettings {
  readonly cwd: string;
  /** Beside that of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line that runs as a real process; what it prints can be waited for. */
export class RunningCommand {
  readonly process: ChildProcess;
  readonly #stdout: LineReader;
  readonly #stderr: LineReader;
  readonly #ended: Promise<CommandResult>;
  #isEnded = false;

  constructor(command: string, args: readonly string[], { cwd, env }: CommandSettings) {
    // The leader of a process group, so that kill() reaches all it starts.
    const options = { cwd, env: { ...process.env, ...env }, detached: true };
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    this.#stdout = new LineReader(child.stdout);
    this.#stderr = new LineReader(child.stderr);
    this.#ended = once(child, 'close').then(([code, signal]: unknown[]) => {
      this.#isEnded = true;
      const [stdout, stderr] = [this.#stdout.text, this.#stderr.text];
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr };
    });
  }

  /** The first line of stdout that fits; fails when the command ends before. */
  line(fits: (line: string) => boolean): Promise<string> {
    return this.#find(this.#stdout, fits);
  }

  /** The same for stderr. */
  errorLine(fits: (line: string) => boolean): Promise<string> {
    return this.#find(this.#stderr, fits);
  }

  /** The first JSON line of stdout of this type. */
  async record(type: string): Promise<Record<string, unknown>> {
    return parseRecord(await this.line((line) => parseRecord(line)['type'] === type));
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** What Ctrl-C does: SIGINT to the command and to all it started. */
  interrupt(): void {
    if (this.process.pid !== undefined) process.kill(-this.process.pid, 'SIGINT');
  }

  ended(): Promise<CommandResult> {
    return this.#ended;
  }

  /** Ends it and what it started, whatever they do; for the end of a test. */
  async kill(): Promise<void> {
    const { pid } = this.process;
    if (!this.#isEnded && pid !== undefined) process.kill(-pid, 'SIGKILL');
    await this.#ended;
  }

  async #find(reader: LineReader, fits: (line: string) => boolean): Promise<string> {
    const line = await reader.find(fits);
    if (line !== undefined) return line;
    const { code, stdout, stderr } = await this.#ended;
    throw new Error(`the command ended with ${String(code)} without the line\n${stdout}\n${stderr}`);
  }
}

class LineReader {
  text = '';
  readonly #lines: string[] = [];
  #isEnded = false;
  #wake: (() => void)[] = [];

  constructor(stream: Readable) {
    stream.setEncoding('utf8').on('data', (text: string) => (this.text += text));
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      this.#lines.push(line);
      this.#advance();
    });
    lines.on('close', () => {
      this.#isEnded = true;
      this.#advance();
    });
  }

  async find(fits: (line: string) => boolean): Promise<string | undefined> {
    for (let next = 0; ; next++) {
      while (next >= this.#lines.length) {
        if (this.#isEnded) return undefined;
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
      const line = this.#lines[next] ?? '';
      if (fits(line)) return line;
    }
  }

  #advance(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/** Runs a command to its end. */
export function runCommand(
  command: string,
  args: readonly string[],
  settings: CommandSettings,
): Promise<CommandResult> {
  return new RunningCommand(command, args, settings).ended();
}

/** The object on a JSON line. */
export function parseRecord(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  if (!isObject(value)) throw new Error(`expected a JSON object, got ${line}`);
  return value;
}

/** All objects of an output of JSON lines. */
export function parseRecords(text: string): Record<string, unknown>[] {
  return text.trimEnd().split('\n').map(parseRecord);
}
