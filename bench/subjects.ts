import { fileURLToPath } from 'node:url';
import { packagedCommand } from './packaged.ts';
import { markPlaceholder } from './request-body.ts';
import type { ServiceSpec } from './service.ts';

/** One short document to an endpoint, in the form that Jina and Sluice share. */
export function shortDocument(endpoint: string): string {
  return JSON.stringify({ data: [{ text: `a small request: ${markPlaceholder}` }], execEndpoint: endpoint });
}

/** Texts that an answer to {@link shortDocument} has only when something failed. */
export const failureMarks = ['"exception":{'];

/** A path from this folder. */
export function benchPath(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** The yardstick: HTTP, a socket pair, a child, and nothing else. */
export function bareLine(port: number): ServiceSpec {
  return {
    name: 'bare line',
    command: process.execPath,
    args: ['--import', 'tsx', benchPath('bare-line.ts')],
    env: { PORT: String(port) },
    port,
    path: '/post',
    probe: shortDocument('/echo'),
    readyLine: /^ready/m,
  };
}

/** `sluice up` of a flow of bench/flows, metrics on: the package as it is installed, or the sources through tsx. */
export function sluice(
  flow: {
    readonly name: string;
    readonly file: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly from?: 'package' | 'sources';
  },
  port: number,
  probe: string,
): ServiceSpec {
  return {
    name: flow.name,
    command: process.execPath,
    args: [
      flow.from === 'sources' ? benchPath('../bin/sluice.js') : packagedCommand(),
      'up',
      benchPath(`flows/${flow.file}`),
    ],
    env: { SLUICE_BENCH_PORT: String(port), ...flow.env },
    port,
    path: '/post',
    probe,
    readyLine: /\bready\b/,
  };
}
