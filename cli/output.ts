import { styleText } from 'node:util';
import { FlowError, type Json, type JsonObject } from '../core/index.ts';
import { createLogger, type Logger, type LogLevel } from '../observability/index.ts';
import { diagnose, rootStack } from './root-cause.ts';

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** The options that every command takes. */
export interface OutputOptions {
  /** One JSON object on each line of stdout, nothing for people; default false. */
  readonly json: boolean;
  readonly logLevel: LogLevel;
  /** false: never; true: where stdout is a terminal that can. */
  readonly color: boolean;
}

/** See {@link Output.heldLogger}. */
export interface HeldLogger {
  readonly logger: Logger;
  /** Writes what was kept back; from then on lines are written as they come. */
  release(): void;
}

const maxHeldLines = 1000;

type Style = Parameters<typeof styleText>[0];

/** Where a command writes: stdout carries its results, stderr logs and errors. */
export class Output {
  /** Whether stdout is a terminal that may be redrawn. */
  readonly isInteractive: boolean;
  readonly #options: OutputOptions;
  readonly #hasColor: boolean;
  readonly #hasErrorColor: boolean;
  /** Takes the lines while a progress display owns the terminal. */
  #display: ((line: string) => void) | undefined;

  constructor(options: OutputOptions, environment: Readonly<Record<string, string | undefined>>) {
    const isDumb = environment['TERM'] === 'dumb';
    const mayColor = options.color && (environment['NO_COLOR'] ?? '') === '' && !isDumb;
    this.isInteractive = process.stdout.isTTY && !isDumb && !options.json;
    this.#options = options;
    this.#hasColor = process.stdout.isTTY && mayColor;
    this.#hasErrorColor = process.stderr.isTTY && mayColor;
  }

  /** A line for people; nothing under `--json`. */
  line(text = ''): void {
    if (this.#options.json) return;
    if (this.#display === undefined) process.stdout.write(`${text}\n`);
    else this.#display(text);
  }

  /** An object for machines; nothing without `--json`. */
  record(fields: Record<string, Json | undefined>): void {
    if (this.#options.json) process.stdout.write(`${JSON.stringify(fields)}\n`);
  }

  /** A result that is the same for people and machines, such as a schema. */
  text(text: string): void {
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** What is wrong with a file, for people, on stderr. */
  fault(text: string): void {
    if (!this.#options.json) process.stderr.write(`${text}\n`);
  }

  /** An error: the root cause first, then what was being done; the stack at log level debug only. */
  error(error: unknown): void {
    const { cause, during } = diagnose(error);
    if (this.#options.json) {
      const { reason, details }: { reason: string; details: JsonObject } =
        error instanceof FlowError ? error : { reason: 'internal', details: {} };
      this.record({ type: 'error', reason, message: cause, during: [...during], details });
      return;
    }
    const stack = this.#options.logLevel === 'debug' ? rootStack(error) : undefined;
    const lines = [
      `${this.#hasErrorColor ? styleText('red', 'error:') : 'error:'} ${cause}`,
      ...during.map((step) => `  while: ${step}`),
    ];
    process.stderr.write(`${[...lines, ...(stack === undefined ? [] : [stack])].join('\n')}\n`);
  }

  /**
   * A log on stderr that keeps its lines back until they are released: an error that ends the command is told once, by
   * {@link error}. Nothing is kept back from machines, or at log level debug.
   */
  heldLogger(name: string): HeldLogger {
    const { json, logLevel } = this.#options;
    let held: string[] | undefined = json || logLevel === 'debug' ? undefined : [];
    const write = (text: string): void => {
      if (held === undefined) this.#logLine(text);
      else if (held.push(text) > maxHeldLines) held.shift();
    };
    const form = json ? 'json' : 'pretty';
    const hasColour = this.#hasErrorColor;
    const logger = createLogger({ name, level: logLevel, destination: { write }, form, hasColour });
    const release = (): void => {
      const lines = held ?? [];
      held = undefined;
      for (const line of lines) this.#logLine(line);
    };
    return { logger, release };
  }

  /** Text for stdout in a color, where it may have one. */
  paint(style: Style, text: string): string {
    return this.#hasColor ? styleText(style, text) : text;
  }

  /** Sends lines to `display` until it is called with undefined. */
  divert(display: ((line: string) => void) | undefined): void {
    this.#display = display;
  }

  #logLine(text: string): void {
    if (this.#display === undefined) process.stderr.write(text);
    else this.#display(text.trimEnd());
  }
}
