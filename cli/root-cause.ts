import { FlowError, rootCause } from '../core/index.ts';

/** An error as people read it: what went wrong first, then what was being done, innermost first. */
export interface Diagnosis {
  readonly cause: string;
  readonly during: readonly string[];
}

/** Reads the chain of causes. A message that repeats its cause's is shortened to what it adds. */
export function diagnose(error: unknown): Diagnosis {
  const chain = causes(error);
  const innermost = chain.at(-1);
  const during: string[] = [];
  for (let index = chain.length - 2; index >= 0; index--) {
    const outer = messageOf(chain[index]);
    const added = outer
      .replace(messageOf(chain[index + 1]), '')
      .replace(/:\s*$/, '')
      .trim();
    if (added !== '' && !during.includes(added)) during.push(added);
  }
  return { cause: named(innermost), during };
}

/** The stack of the error that came first; only for `--log-level debug`. */
export function rootStack(error: unknown): string | undefined {
  const cause = rootCause(error);
  return cause instanceof Error ? cause.stack : undefined;
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let current: unknown = error;
  while (chain.length < 20) {
    chain.push(current);
    const next = nextCause(current);
    if (next === undefined) break;
    current = next;
  }
  return chain;
}

function nextCause(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors[0];
  return error instanceof Error ? error.cause : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message, with the class of the exception before it where that says something. */
function named(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const name = error instanceof FlowError ? error.exception?.name : error.name;
  const message = error.message === '' ? error.name : error.message;
  if (name === undefined || name === 'Error' || name === 'FlowError' || message.includes(name)) return message;
  return `${name}: ${message}`;
}
