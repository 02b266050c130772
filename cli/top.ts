import { setTimeout as delay } from 'node:timers/promises';
import { FlowError, type JsonObject } from '../core/index.ts';
import type { LiveExecutor, LiveSnapshot } from '../gateway/index.ts';
import { exitCodes } from './exit-code.ts';
import type { Output } from './output.ts';

export interface TopOptions {
  readonly host: string;
  /** ms between two looks. */
  readonly interval: number;
  /** Looks before it ends; without: until it is interrupted. */
  readonly count?: number;
}

/** The terminal's other screen, so that what was on it comes back; cursor hidden. */
const screen = {
  enter: '\x1b[?1049h\x1b[?25l',
  home: '\x1b[H',
  clearLine: '\x1b[K',
  clearBelow: '\x1b[J',
  leave: '\x1b[?25h\x1b[?1049l',
};

/** Shows a running flow until it is interrupted: redrawn on a terminal, one look after another elsewhere. */
export async function top(output: Output, options: TopOptions): Promise<number> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  const ends = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of ends) process.once(signal, stop);
  if (output.isInteractive) process.stdout.write(screen.enter);
  try {
    for (let looks = 1; ; looks++) {
      const seen = await look(options.host);
      output.record({ type: 'live', ...seen });
      show(output, seen as unknown as LiveSnapshot, options.host);
      if (looks === options.count) break;
      await delay(options.interval, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) break;
    }
  } finally {
    if (output.isInteractive) process.stdout.write(screen.leave);
    for (const signal of ends) process.off(signal, stop);
  }
  return exitCodes.ok.code;
}

/** A {@link LiveSnapshot}, as it came. */
async function look(host: string): Promise<JsonObject> {
  const address = new URL('/live.json', host);
  if (!address.protocol.startsWith('http')) {
    throw new FlowError('invalid_argument', `--host: expected http:// or https://, got ${host}`);
  }
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw FlowError.from(error, 'connection_failed', `no flow answers at ${host}`);
  }
  if (!response.ok) {
    const why = response.status === 404 ? ': it has no debug pages (no_debug_endpoints)' : '';
    throw new FlowError('connection_failed', `${address.href} answered ${response.status}${why}`);
  }
  return (await response.json()) as JsonObject;
}

function show(output: Output, live: LiveSnapshot, host: string): void {
  const lines = picture(output, live, host);
  if (!output.isInteractive) {
    for (const line of [...lines, '']) output.line(line);
    return;
  }
  const { rows, columns } = process.stdout;
  const seen = lines.slice(0, rows - 1).map((line) => `${cut(line, columns)}${screen.clearLine}`);
  process.stdout.write(`${screen.home}${seen.join('\n')}\n${screen.clearBelow}`);
}

/** What a person sees, line by line. */
function picture(output: Output, live: LiveSnapshot, host: string): string[] {
  const { total } = live;
  const state = output.paint(live.status === 'ready' ? 'green' : 'red', live.status);
  return [
    `${output.paint('bold', live.flow)}  ${state}  ${host}`,
    ...live.reasons.map((reason) => `  ${output.paint('red', reason)}`),
    `${rate(total.per_second)} requests/s   p50 ${time(total.p50_ms)}   p99 ${time(total.p99_ms)}   in flight ${total.in_flight}`,
    '',
    ...table(
      output,
      ['EXECUTOR', '#DOCS/S', '#BATCH', '#QUEUED', '#WAIT P50', '#RUN P50', '#RUN P99', '#DROPPED', '#RETRIES'],
      live.executors.map(executorRow),
    ),
    '',
    ...table(
      output,
      ['WORKER', 'STATE', 'DEVICE', '#CPU', '#MEMORY', '#LOOP DELAY', '#RESTARTS', '#PID'],
      live.executors.flatMap(workerRows),
    ),
    '',
    ...table(
      output,
      ['ENDPOINT', 'PROTOCOL', '#REQUESTS/S', '#P50', '#P99', 'ERRORS'],
      live.endpoints.map(({ endpoint, protocol, reasons, ...timing }) => {
        const errors = Object.entries(reasons).filter(([reason]) => reason !== 'ok');
        const text = errors.map(([reason, count]) => `${reason} ${count}`).join(', ');
        return [endpoint, protocol, rate(timing.per_second), time(timing.p50_ms), time(timing.p99_ms), text];
      }),
    ),
  ];
}

function executorRow(executor: LiveExecutor): string[] {
  const { name, documents_per_second: documents, mean_batch: batch, queued, queue, run, dropped, retries } = executor;
  return [
    ...[name, rate(documents), batch === null ? '-' : batch.toFixed(1), String(queued)],
    ...[time(queue.p50_ms), time(run.p50_ms), time(run.p99_ms), String(dropped), String(retries)],
  ];
}

function workerRows({ name, workers }: LiveExecutor): string[][] {
  return workers.map((worker) => [
    `${name}/${worker.replica}`,
    worker.message === undefined ? worker.state : `${worker.state}: ${worker.message}`,
    worker.device,
    `${Math.round(worker.cpu * 100)} %`,
    `${Math.round(worker.memory_bytes / 2 ** 20)} MiB`,
    time(worker.loop_delay_ms),
    String(worker.restarts),
    String(worker.pid ?? '-'),
  ]);
}

/** Columns as wide as their widest cell; a head that starts with # is of a column of numbers. */
function table(output: Output, head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const names = head.map((name) => name.replace('#', ''));
  const widths = names.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return head[column]?.startsWith('#') === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [output.paint('dim', line(names)), ...rows.map(line)];
}

function time(ms: number | null): string {
  if (ms === null) return '-';
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}

function rate(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** As much of a line as fits; colors take no room. */
function cut(line: string, columns: number): string {
  let width = 0;
  let text = '';
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith('\x1b')) text += part;
    else {
      text += part.slice(0, Math.max(0, columns - width));
      width += part.length;
    }
  }
  return text;
}
