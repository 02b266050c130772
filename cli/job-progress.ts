import { SingleBar } from 'cli-progress';
import type { JobLedger, RowSource } from '../jobs/index.ts';
import type { Output } from './output.ts';

export interface JobProgress {
  update(): void;
  end(): void;
}

/** Between two lines or records, where nothing is redrawn. */
const lineIntervalMs = 2000;

/** Rows done, rate, time left: a bar on a terminal, else a line now and then, records under `--json`. */
export function showJobProgress(output: Output, source: RowSource, ledger: JobLedger): JobProgress {
  const startMs = performance.now();
  const startRows = ledger.rows;
  output.record({ type: 'start', rows: startRows, total: source.total() });
  if (startRows > 0) output.line(`going on after row ${startRows}`);
  const bar = output.isInteractive ? openBar() : undefined;
  bar?.start(source.total() ?? 0, startRows, { rate: '', left: '', bad: '' });
  let toldMs = startMs;
  return {
    update() {
      const nowMs = performance.now();
      const { rows, bad } = ledger;
      const total = source.total();
      const rate = ((rows - startRows) * 1000) / (nowMs - startMs);
      const secondsLeft = total === undefined || rate === 0 ? undefined : Math.max(0, total - rows) / rate;
      const texts = {
        rate: `${rate.toFixed(1)} rows/s`,
        left: secondsLeft === undefined ? '' : `${durationText(secondsLeft)} left`,
        bad: bad === 0 ? '' : `${bad} left out`,
      };
      if (bar !== undefined) {
        bar.setTotal(Math.max(total ?? 0, rows));
        bar.update(rows, texts);
      }
      if (nowMs - toldMs < lineIntervalMs) return;
      toldMs = nowMs;
      output.record({ type: 'progress', rows, total, bad, rowsPerSecond: rate, secondsLeft });
      if (bar === undefined)
        output.line([`${rows} rows`, texts.rate, texts.left, texts.bad].filter(Boolean).join(', '));
    },
    end: () => bar?.stop(),
  };
}

function openBar(): SingleBar {
  return new SingleBar({
    format: '  {bar}  {value} of {total} rows  {rate}  {left}  {bad}',
    barCompleteChar: '━',
    barIncompleteChar: ' ',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: null,
    stream: process.stdout,
  });
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
