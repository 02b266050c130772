import { FlowError, isObject } from '../core/index.ts';

const maxDepth = 6;
const secretKey = /(?:authorization|cookie|token|password|passwd|secret|apikey)$/;

/** Values as they may stand in a log: no secrets (by their keys, and in URLs), binary data as its size; 6 levels deep. */
export function redact(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return describeError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth >= maxDepth) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecret(key) ? '[redacted]' : redact(item, depth + 1)]),
  );
}

/** Text with the credentials of its URLs taken out. */
export function redactText(text: string): string {
  return text.replaceAll(/:\/\/[^\s/@]+@/g, '://[redacted]@');
}

/** `Authorization`, `hf_token`, `x-api-key`, `clientSecret` ...; not `tokens`, which are counted. */
function isSecret(key: string): boolean {
  return secretKey.test(key.toLowerCase().replaceAll(/[-_]/g, ''));
}

/** An error for a log: what went wrong first in one line, then every error of the chain from there outwards. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  const chain: unknown[] = [];
  for (let current = error; current !== undefined && chain.length < 20 && !chain.includes(current);) {
    chain.unshift(current);
    current = current instanceof Error ? current.cause : undefined;
  }
  return { root_cause: headline(chain[0]), chain: chain.map((link) => describeLink(link, depth)) };
}

function headline(error: unknown): string {
  const name = error instanceof FlowError ? (error.exception?.name ?? error.reason) : undefined;
  return redactText(error instanceof Error ? `${name ?? error.name}: ${error.message}` : String(error));
}

function describeLink(error: unknown, depth: number): Record<string, unknown> {
  if (!(error instanceof Error))
    return { message: isObject(error) ? redact(error, depth + 1) : redactText(String(error)) };
  const known = { name: error.name, message: redactText(error.message), stack: redactText(error.stack ?? '') };
  if (!(error instanceof FlowError)) return known;
  const { reason, details, exception } = error;
  return {
    ...known,
    reason,
    details: redact(details, depth + 1),
    ...(exception === undefined ? {} : { exception: redact(exception, depth + 1) }),
  };
}
