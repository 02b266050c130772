import { isObject } from '../core/index.ts';

/** Where lines go: a stream, or anything that takes text. */
export interface LogDestination {
  write(line: string): unknown;
}

const colours: Readonly<Record<string, string>> = { debug: '90', info: '32', warn: '33', error: '31' };
/** Keys that have their own place on a line, or mean nothing to a reader of a terminal. */
const placed = new Set(['time', 'level', 'name', 'msg', 'pid', 'error']);

/**
 * Turns JSON log lines into lines for people:
 * `12:30:01.250 WARN encoder: model loaded  replica=1`, and under an error its root cause, then the stack there.
 */
export function prettyLines(destination: LogDestination, hasColour: boolean): LogDestination {
  const paint = (code: string, text: string) => (hasColour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    write: (line) => {
      const entry: unknown = JSON.parse(line);
      if (!isObject(entry)) return;
      const level = textOf(entry['level']);
      const head = [
        paint('90', textOf(entry['time']).slice(11, 23)),
        paint(colours[level] ?? '0', level.toUpperCase().padEnd(5)),
        `${textOf(entry['name'])}: ${textOf(entry['msg'])}`,
      ];
      const fields = Object.entries(entry)
        .filter(([key]) => !placed.has(key))
        .map(([key, value]) => ` ${paint('36', key)}=${textOf(value)}`);
      destination.write(`${head.join(' ')}${fields.join('')}\n${errorLines(entry['error'])}`);
    },
  };
}

function errorLines(error: unknown): string {
  if (!isObject(error)) return '';
  const chain: unknown[] = Array.isArray(error['chain']) ? error['chain'] : [];
  const [root, ...outer] = chain.filter(isObject);
  const lines = [textOf(error['root_cause']), ...textOf(root?.['stack']).split('\n').slice(1)];
  lines.push(...outer.map((link) => `  then ${textOf(link['name'])}: ${textOf(link['message'])}`));
  return lines.map((line) => `    ${line}\n`).join('');
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
