import { type CallCost, cutByCost } from '../core/index.ts';
import { decide, EndpointQueue } from '../runtime/batching/index.ts';
import { percentile, randomNumbers } from './statistics.ts';

// How batches should be formed when lengths are skewed: the real queue and policy on a simulated clock, one worker
// whose time is `calls x callCost + padded tokens`, clients that send a row, wait for it and send the next.
// Figures in docs/decisions/0002-batching-policy.md. Run: node --import tsx bench/batching-simulation.ts

const rowsPerRun = 20_000;
const preferredBatchSize = 32;
/** A small text encoder on one core. */
const tokensPerMs = 20;
const longestRow = 512;

/** Which entries a batch takes: what the queue believes of the costs. */
const policies: Readonly<Record<string, (callCost: number) => CallCost | undefined>> = {
  'arrival order': () => undefined,
  'sorted window': () => ({ callCost: Infinity, maxCallCost: Infinity }),
  'cost rule': (callCost) => ({ callCost, maxCallCost: Infinity }),
};

interface Row {
  readonly tokens: number;
  readonly sentAt: number;
}

interface Figures {
  readonly rowsPerSecond: number;
  readonly padding: number;
  readonly rowsPerBatch: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

interface Setting {
  readonly clients: number;
  readonly callCost: number;
  /** What the queue believes. */
  readonly calibration: CallCost | undefined;
  /** Whether the worker cuts a batch again by exact lengths. */
  readonly isCutAgain: boolean;
}

function simulate({ clients, callCost, calibration, isCutAgain }: Setting): Figures {
  const random = randomNumbers(7);
  const queue = new EndpointQueue<Row>({
    name: '/encode',
    batching: { preferredBatchSize, timeoutMs: 0, flushAll: false },
    bounds: { requests: clients, bytes: Infinity },
  });
  queue.calibration = calibration;
  const send = (at: number) => {
    const row = { tokens: skewedLength(random), sentAt: at };
    const { tokens: rowCost } = row;
    queue.push({ item: row, rows: 1, rowCost, bytes: 0, key: '{}', priority: 0, enqueuedAt: at, deadline: Infinity });
  };
  for (let client = 0; client < clients; client++) send(0);
  const latencies: number[] = [];
  let [now, batches, tokens, padded] = [0, 0, 0, 0];
  while (latencies.length < rowsPerRun) {
    for (const { parts } of decide([queue], now, 1).batches) {
      const rows = parts.map(({ entry }) => entry.item);
      for (const { entry } of parts) queue.take(entry, 1);
      const lengths = rows.map((row) => row.tokens);
      const calls = isCutAgain ? cutByCost(lengths, { callCost, maxCallCost: Infinity }) : [[...lengths.keys()]];
      const computed = calls.map((call) => call.length * Math.max(...call.map((index) => lengths[index] ?? 0)));
      const sum = computed.reduce((all, each) => all + each, 0);
      now += (calls.length * callCost + sum) / tokensPerMs;
      batches += 1;
      padded += sum;
      for (const row of rows) {
        tokens += row.tokens;
        latencies.push(now - row.sentAt);
        send(now);
      }
    }
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    rowsPerSecond: (latencies.length / now) * 1000,
    padding: 1 - tokens / padded,
    rowsPerBatch: latencies.length / batches,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    maxMs: percentile(sorted, 100),
  };
}

/** Log-normal: half of the rows have 40 tokens or fewer, one in ten more than 140. */
function skewedLength(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.max(4, Math.min(longestRow, Math.round(40 * Math.exp(normal))));
}

/** CPU time of deciding one batch, taking it and filling the queue up again while `waiting` rows wait, in microseconds. */
function decisionMicroseconds(waiting: number, calibration: CallCost | undefined): number {
  const random = randomNumbers(7);
  const queue = new EndpointQueue<number>({
    name: '/encode',
    batching: { preferredBatchSize, timeoutMs: 0, flushAll: false },
    bounds: { requests: waiting, bytes: Infinity },
  });
  queue.calibration = calibration;
  let sequence = 0;
  const push = () => {
    const rowCost = skewedLength(random);
    const at = sequence++;
    queue.push({ item: at, rows: 1, rowCost, bytes: 0, key: '{}', priority: 0, enqueuedAt: at, deadline: at + 1e6 });
  };
  for (let row = 0; row < waiting; row++) push();
  const rounds = 6000;
  let start = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    // The first third warms the compiler up.
    if (round === rounds / 3) start = process.cpuUsage();
    for (const { parts } of decide([queue], sequence, 1).batches) {
      for (const { entry, rows } of parts) queue.take(entry, rows);
      parts.forEach(push);
    }
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / ((rounds * 2) / 3);
}

function main(): void {
  console.log(
    '| clients | cost of a call, tokens | worker | policy | rows/s | padding | rows/batch | p50 | p99 | max |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const clients of [64, 256]) {
    for (const callCost of [20, 200, 2000]) {
      for (const isCutAgain of [false, true]) {
        for (const [policy, calibration] of Object.entries(policies)) {
          const found = simulate({ clients, callCost, calibration: calibration(callCost), isCutAgain });
          const worker = isCutAgain ? 'cuts again' : 'one call';
          const figures = [
            found.rowsPerSecond.toFixed(0),
            `${(found.padding * 100).toFixed(0)} %`,
            found.rowsPerBatch.toFixed(1),
            ...[found.p50Ms, found.p99Ms, found.maxMs].map((ms) => ms.toFixed(0)),
          ];
          console.log(`| ${[clients, callCost, worker, policy, ...figures].join(' | ')} |`);
        }
      }
    }
  }
  for (const waiting of [32, 1024, 16_384]) {
    for (const [policy, calibration] of Object.entries(policies)) {
      const micros = decisionMicroseconds(waiting, calibration(200));
      console.log(
        `${waiting} waiting, ${policy}: a batch decided, taken and filled up again in ${micros.toFixed(1)} us`,
      );
    }
  }
}

main();
