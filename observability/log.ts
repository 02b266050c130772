import { createRequire } from 'node:module';
import type { Logger as Pino } from 'pino';
import { isObject, type TraceContext } from '../core/index.ts';
import { describeError, redact, redactText } from './log-fields.ts';
import { type LogDestination, prettyLines } from './log-lines.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Facts of one line. `error` is logged root cause first, `trace` as `trace_id` and `span_id`; secrets are redacted. */
interface LogFields {
  readonly error?: unknown;
  readonly trace?: TraceContext | undefined;
  readonly [key: string]: unknown;
}

/** Structured logger; fields first, then the message. Fits what executors get as `context.logger`. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** The same logger with fields that stand on each of its lines. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Stands on each line: the service, `gateway`, or the executor's name. */
  readonly name: string;
  /** Lines below it are dropped. */
  readonly level: LogLevel;
  /** Default: stdout, written before the call returns, so that nothing is lost when the process dies. */
  readonly destination?: LogDestination;
  /** `json`: one object a line, for machines; `pretty`: for a terminal. Default `json`. */
  readonly form?: 'json' | 'pretty';
  /** Whether pretty lines are coloured; default false. */
  readonly hasColour?: boolean;
}

// Loaded by the first logger: workers import this folder too, have no logger of their own, and start 40 ms sooner.
const load = createRequire(import.meta.url);

/** A logger of its own; take `child` of one where you can. */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level, form = 'json', hasColour = false } = options;
  const { pino } = load('pino') as typeof import('pino');
  const raw = options.destination ?? pino.destination({ dest: 1, sync: true });
  const destination = form === 'pretty' ? prettyLines(raw, hasColour) : raw;
  const settings = {
    level,
    base: { name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return new PinoLogger(pino(settings, { write: (line) => void destination.write(line) }));
}

class PinoLogger implements Logger {
  readonly #pino: Pino;

  constructor(logger: Pino) {
    this.#pino = logger;
  }

  debug(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled('debug')) this.#pino.debug(present(fields), redactText(message));
  }

  info(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled('info')) this.#pino.info(present(fields), redactText(message));
  }

  warn(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled('warn')) this.#pino.warn(present(fields), redactText(message));
  }

  error(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled('error')) this.#pino.error(present(fields), redactText(message));
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(present(fields)));
  }
}

function present({ error, trace, ...rest }: LogFields): Record<string, unknown> {
  const clean = redact(rest);
  return {
    ...(trace === undefined ? {} : { trace_id: trace.traceId, span_id: trace.spanId }),
    ...(isObject(clean) ? clean : {}),
    ...(error === undefined ? {} : { error: describeError(error) }),
  };
}
