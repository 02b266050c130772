import { FlowError } from '../core/index.ts';
import type { ClientResponse } from './response.ts';

/** Where the time of one request went: a part of it, and the parts of that part. */
export interface ProfilePart {
  /** `roundtrip`, `network` (the client's own work included), `gateway`, or an executor's name. */
  readonly name: string;
  readonly ms: number;
  /** Of the whole, 0 to 1. */
  readonly share: number;
  readonly parts: readonly ProfilePart[];
}

/** What `profile` gives: the whole roundtrip as a tree; `String(profile)` draws it. */
export class Profile implements ProfilePart {
  readonly name = 'roundtrip';
  readonly ms: number;
  readonly share = 1;
  readonly parts: readonly ProfilePart[];

  constructor(ms: number, parts: readonly ProfilePart[]) {
    this.ms = ms;
    this.parts = parts;
  }

  toString(): string {
    return lines(this, 0).join('\n');
  }
}

/**
 * The tree of an answer. Executors that were skipped are left out; those that ran side by side may together take longer
 * than the gateway that they are parts of.
 *
 * @param elapsedMs from the request to its answer, by the client's clock
 * @throws `protocol_error` when the answer does not tell the gateway's time
 */
export function profileOf({ routes }: ClientResponse, elapsedMs: number): Profile {
  const timed = routes.flatMap(({ executor, startMs, endMs }) =>
    startMs === undefined || endMs === undefined ? [] : [{ name: executor, ms: Math.max(0, endMs - startMs) }],
  );
  const [gateway, ...executors] = timed;
  if (gateway === undefined) {
    throw new FlowError(
      'protocol_error',
      'expected routes with times in the answer, got none: there is nothing to show',
    );
  }
  // A gateway shows itself at least a millisecond long; it cannot have taken longer than the roundtrip.
  const gatewayMs = Math.min(gateway.ms, elapsedMs);
  const part = (name: string, ms: number, parts: readonly ProfilePart[] = []): ProfilePart => {
    return { name, ms, share: elapsedMs > 0 ? Math.min(1, ms / elapsedMs) : 0, parts };
  };
  const inner = executors.map(({ name, ms }) => part(name, ms));
  return new Profile(elapsedMs, [part('network', elapsedMs - gatewayMs), part(gateway.name, gatewayMs, inner)]);
}

function lines({ name, ms, share, parts }: ProfilePart, depth: number): string[] {
  const label = `${'  '.repeat(depth)}${name}`.padEnd(32);
  const percent = `${(share * 100).toFixed(0)}%`.padStart(5);
  return [`${label}${ms.toFixed(1).padStart(9)} ms${percent}`, ...parts.flatMap((part) => lines(part, depth + 1))];
}
