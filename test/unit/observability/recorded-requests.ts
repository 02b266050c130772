import {
  type BatchRecord,
  createInstrument,
  type InstrumentParts,
  MetricStore,
  ratioSampler,
  type RequestEnd,
  type RequestRecord,
} from '../../../observability/index.ts';

/** An instrument that keeps every record, and what it kept. */
export function keepingInstrument(parts: Partial<InstrumentParts> = {}) {
  const kept: [RequestRecord, RequestEnd][] = [];
  const store = new MetricStore();
  const sink = { keep: (record: RequestRecord, end: RequestEnd) => void kept.push([record, end]) };
  const instrument = createInstrument({ store, sampler: ratioSampler(1), sink, ...parts });
  return { instrument, store, kept };
}

type BatchOf = (requests: readonly RequestRecord[]) => BatchRecord;

/** A batch of one executor, with the requests it is given. */
export function batchOf(executor: string, id: number, attempt = 1): BatchOf {
  return (requests) => ({
    id,
    executor,
    endpoint: '/encode',
    replica: 1,
    device: 'cpu',
    documents: requests.length,
    flushReason: 'size',
    attempt,
    requests,
  });
}

/** The phases of requests that go through `encoder` and then `indexer`, both joined in one batch of each. */
export function runThroughTwoExecutors(
  instrument: ReturnType<typeof createInstrument>,
  records: readonly RequestRecord[],
): void {
  for (const record of records) {
    instrument.phase(record, 'decode', 'gateway', 1000, 1001);
    instrument.phase(record, 'admit', 'gateway', 1001, 1002);
  }
  let atMs = 1002;
  for (const [index, executor] of ['encoder', 'indexer'].entries()) {
    const batch = batchOf(executor, index + 1)(records);
    for (const record of records) {
      instrument.phase(record, 'queue', executor, atMs, atMs + 2, { batch });
      instrument.phase(record, 'send', executor, atMs + 2, atMs + 3, { batch });
      instrument.phase(record, 'pre', executor, atMs + 3, atMs + 4, { batch });
      instrument.phase(record, 'run', executor, atMs + 4, atMs + 9, { batch, parts: [['model', atMs + 5, atMs + 8]] });
      instrument.phase(record, 'post', executor, atMs + 9, atMs + 10, { batch });
      instrument.phase(record, 'receive', executor, atMs + 10, atMs + 11, { batch });
    }
    atMs += 11;
  }
  for (const record of records) instrument.phase(record, 'encode', 'gateway', atMs, atMs + 1);
}
