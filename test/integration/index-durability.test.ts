import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const writer = fileURLToPath(new URL('../fixtures/executors/index-writer.ts', import.meta.url));
const batches = 12;
const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
const skip = canTrace ? false : 'strace is not installed here, or tracing is not permitted';

/** One system call: when it changes a file when it begins, when it waits for the disk when it has ended. */
interface SystemCall {
  readonly name: string;
  /** The file of its descriptor, or of its first path. */
  readonly file: string;
  readonly text: string;
}

/** The calls of a trace by `strace -f -y`, in order. */
function readTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, SystemCall>();
  for (const line of text.split('\n')) {
    const resumed = /^(\d+)\s+<\.\.\. \w+ resumed>/.exec(line);
    const begun = /^(\d+)\s+(\w+)\((?:\d+<([^>]*)>|"([^"]*)")/.exec(line);
    if (resumed !== null) {
      const call = unfinished.get(resumed[1] ?? '');
      if (call !== undefined) calls.push(call);
      unfinished.delete(resumed[1] ?? '');
    } else if (begun !== null) {
      const [, pid = '', name = '', ofDescriptor, ofPath = ''] = begun;
      const call = { name, file: ofDescriptor ?? ofPath, text: line };
      if (name.endsWith('sync') && line.includes('<unfinished')) unfinished.set(pid, call);
      else calls.push(call);
    }
  }
  return calls;
}

describe('What the indexer asks of the disk', () => {
  let workspace: string;
  let calls: readonly SystemCall[];

  before(() => {
    if (!canTrace) return;
    workspace = mkdtempSync(path.join(tmpdir(), 'sluice-traced-index-'));
    const trace = path.join(workspace, 'trace');
    const { status, stderr } = spawnSync(
      'strace',
      [
        ...['-f', '-y', '-o', trace, '-e', 'trace=write,pwrite64,fsync,fdatasync,rename'],
        ...[process.execPath, '--import', 'tsx', writer, path.join(workspace, 'index'), JSON.stringify({ batches })],
      ],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    calls = readTrace(readFileSync(trace, 'utf8'));
  });
  after(() => {
    if (canTrace) rmSync(workspace, { recursive: true });
  });

  it(
    'flushes the log once for the four requests of a batch, after the last write and before they are answered',
    { skip },
    () => {
      let [answers, isDirty, flushes] = [0, false, 0];
      for (const { name, file, text } of calls) {
        const isLog = file.endsWith('index.sqlite-wal');
        if (isLog && name === 'pwrite64') isDirty = true;
        if (isLog && name.endsWith('sync')) {
          isDirty = false;
          flushes++;
        }
        if (!/ write\(1<[^>]*>, "\d+\\n"/.test(text)) continue;
        assert.ok(!isDirty, `answered before the log was on the disk: ${text}`);
        // The first batch also flushes the head of a new log.
        if (answers > 0) assert.equal(flushes, 1, text);
        else assert.ok(flushes >= 1, text);
        flushes = 0;
        answers++;
      }
      assert.equal(answers, batches);
    },
  );

  it('flushes a graph and its note before they get their names', { skip }, () => {
    for (const part of [`graph-${batches * 4}.usearch.part`, 'graph.json.part']) {
      const places = (test: (call: SystemCall) => boolean) =>
        calls.flatMap((call, place) => (path.basename(call.file) === part && test(call) ? [place] : []));
      const [renamed] = places(({ name }) => name === 'rename');
      const written = places(({ name }) => name.includes('write'));
      const flushed = places(({ name }) => name.endsWith('sync'));
      assert.ok(renamed !== undefined, `${part} was not renamed`);
      assert.ok(Math.max(...written) < Math.max(...flushed), `${part} was not flushed after it was written`);
      assert.ok(Math.max(...flushed) < renamed, `${part} was renamed before it was flushed`);
    }
  });
});
