import type { Readable } from 'node:stream';
import type { Logger } from '../../observability/index.ts';

const rememberedLines = 50;
const maxLineLength = 8192;

/**
 * Passes what a worker writes to its standard streams on to the log, line by line, and remembers the last lines: when
 * a process dies without a word on the channel, they are the only trace of why.
 */
export class OutputLines {
  private readonly recent: string[] = [];

  /** @param level of the log lines that are made of it */
  follow(stream: Readable, level: 'info' | 'warn', logger: Logger): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = (lines.pop() ?? '').slice(0, maxLineLength);
      for (const line of lines) this.add(line, level, logger);
    });
    stream.on('end', () => {
      if (rest !== '') this.add(rest, level, logger);
    });
    // The stream breaks when the process does, which the channel tells.
    stream.on('error', () => undefined);
  }

  /** What tells most about an end: the first line that speaks of an error, or else the last few lines. */
  lastWords(): string {
    return this.recent.find((line) => /\berror\b/i.test(line)) ?? this.recent.slice(-5).join('\n');
  }

  private add(line: string, level: 'info' | 'warn', logger: Logger): void {
    if (line.trim() === '') return;
    this.recent.push(line.slice(0, maxLineLength));
    if (this.recent.length > rememberedLines) this.recent.shift();
    logger[level]({ source: 'output' }, line);
  }
}
