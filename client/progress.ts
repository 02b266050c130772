import cliProgress from 'cli-progress';

/** A progress bar while it is shown. */
export interface Progress {
  advance(documents: number): void;
  stop(): void;
}

/**
 * Draws how many documents are answered, at which rate, and how long the rest takes where the total is known.
 * Draws nothing when the stream is no terminal.
 */
export function startProgress(
  label: string,
  total: number | undefined,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (!stream.isTTY) return { advance: () => undefined, stop: () => undefined };
  const startMs = performance.now();
  let count = 0;
  const bar = new cliProgress.SingleBar({
    stream,
    hideCursor: true,
    clearOnComplete: false,
    etaBuffer: 50,
    format(options, params, payload: { rate: string }) {
      const amount = `${label} ${params.value} documents, ${payload.rate}/s`;
      if (total === undefined) return amount;
      const left = cliProgress.Format.TimeFormat(params.eta, options, 1);
      return `${cliProgress.Format.BarFormat(params.progress, options)} ${amount} of ${total}, ${left} left`;
    },
  });
  bar.start(total ?? 0, 0, { rate: '0' });
  return {
    advance(documents) {
      count += documents;
      bar.update(count, { rate: rateText(count, performance.now() - startMs) });
    },
    stop: () => bar.stop(),
  };
}

function rateText(count: number, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? (count * 1000) / elapsedMs : 0;
  return rate < 10 ? rate.toFixed(1) : rate.toFixed(0);
}
