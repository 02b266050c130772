import { exceptionInfo, FlowError, rootCause } from '../core/index.ts';

/** An error as people read it: what went wrong first, then what was being done, innermost first. */
export interface Diagnosis {
  readonly cause: string;
  readonly during: readonly string[];
}

/** One error of a chain of causes. */
interface Link {
  /** Name of its class. */
  readonly name: string;
  readonly message: string;
}

/** Reads the chain of causes. A message that repeats its cause's is shortened to what it adds. */
export function diagnose(error: unknown): Diagnosis {
  const [innermost, ...outer] = chainOf(error).reverse();
  const during: string[] = [];
  let inner = innermost?.message ?? '';
  for (const { message } of outer) {
    const added = message.replace(inner, '').replace(/:\s*$/, '').trim();
    if (added !== '' && !during.includes(added)) during.push(added);
    inner = message;
  }
  return { cause: innermost === undefined ? '' : linkText(innermost), during };
}

/** The stack of the error that came first; only for `--log-level debug`. That of another process is in its log. */
export function rootStack(error: unknown): string | undefined {
  const cause = rootCause(error);
  const isFromElsewhere = cause instanceof FlowError && cause.exception !== undefined;
  return cause instanceof Error && !isFromElsewhere ? cause.stack : undefined;
}

/** The error, its cause, the cause's cause and so on. */
function chainOf(error: unknown): Link[] {
  const chain: Link[] = [];
  let current = error;
  for (let depth = 0; depth < 20 && current !== undefined; depth++) {
    const { name, args } = exceptionInfo(current);
    chain.push({ name, message: args[0] ?? '' });
    const next = causeOf(current);
    // What another process threw comes without its cause, but with the name and message of what was thrown there.
    if (next === undefined && current instanceof FlowError && current.exception !== undefined) {
      chain.push({ name: current.exception.name, message: current.exception.args[0] ?? '' });
    }
    current = next;
  }
  return chain;
}

function causeOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors[0];
  return error instanceof Error ? error.cause : undefined;
}

/** The message, with the class before it where that says something. */
function linkText({ name, message }: Link): string {
  if (message === '') return name;
  return name === 'Error' || name === 'FlowError' || message.includes(name) ? message : `${name}: ${message}`;
}
