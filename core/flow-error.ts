import { type ErrorCode, type Reason, reasons } from './reasons.ts';
import type { JsonObject } from './json.ts';

/** How an error looked where it was first thrown; it survives process boundaries. */
export interface ExceptionInfo {
  /** Name of the error class, such as `TypeError`. */
  readonly name: string;
  /** The constructor's arguments as text; for a JavaScript error its message. */
  readonly args: readonly string[];
  /** Class name of the executor that threw it; empty outside executors. */
  readonly executor: string;
}

export interface FlowErrorOptions {
  /** Facts for machines, such as `{ limit: 64, queued: 64 }`. Never secrets, paths of the host or user text. */
  readonly details?: JsonObject;
  readonly exception?: ExceptionInfo;
  readonly cause?: unknown;
}

/** The one error class of Sluice. The reason decides the code; the message says what was expected and what came. */
export class FlowError extends Error {
  override readonly name = 'FlowError';
  readonly reason: Reason;
  readonly details: JsonObject;
  readonly exception: ExceptionInfo | undefined;

  constructor(reason: Reason, message: string, options: FlowErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.details = options.details ?? {};
    this.exception = options.exception;
  }

  get code(): ErrorCode {
    return reasons[this.reason].code;
  }

  get isRetryable(): boolean {
    return reasons[this.reason].retryable;
  }

  /**
   * Brings a foreign error in: a FlowError stays itself, anything else becomes `reason` with the original as cause.
   *
   * @param reason what the failure means to us, `internal` if it should be impossible
   * @param doing what was being done, put before the message: `cannot read flow.yml`
   */
  static from(error: unknown, reason: Reason = 'internal', doing?: string): FlowError {
    if (error instanceof FlowError) return error;
    const info = exceptionInfo(error);
    const text = info.args[0] ?? info.name;
    return new FlowError(reason, doing === undefined ? text : `${doing}: ${text}`, { exception: info, cause: error });
  }
}

/** Name and arguments of anything that can be thrown. */
export function exceptionInfo(error: unknown, executor = ''): ExceptionInfo {
  if (error instanceof Error) return { name: error.name || 'Error', args: [error.message], executor };
  return { name: 'Error', args: [String(error)], executor };
}

/** The first error of the chain of causes: what went wrong before everything else. */
export function rootCause(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < 20 && current instanceof Error && current.cause !== undefined; depth++) {
    current = current.cause;
  }
  return current;
}
