import { readFileSync } from 'node:fs';
import { isObject } from '../core/index.ts';

let version: string | undefined;

/** Version of this package. The file lies one folder further up from the built sources than from these. */
export function productVersion(): string {
  version ??= read('../package.json') ?? read('../../package.json') ?? 'unknown';
  return version;
}

function read(place: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(new URL(place, import.meta.url), 'utf8');
  } catch {
    return undefined;
  }
  const content: unknown = JSON.parse(text);
  if (!isObject(content) || content['name'] !== 'sluice') return undefined;
  return typeof content['version'] === 'string' ? content['version'] : undefined;
}
