import { untracedLine } from './untraced-line.ts';
import { createInstrument, MetricStore, ratioSampler, RequestRecord } from '../observability/index.ts';
import type { BeginRequest } from '../observability/index.ts';

/**
 * Loaded before `sluice up` by the tracing scenario: takes tracing's part out of the instrument, metrics stay.
 *
 * What is left out: ids of spans and traces, the sampling decision, the questions whether stamps and spans are kept.
 * What stays, because records without it do not exist: the field that holds a (constant) trace context.
 */
const context = { traceId: '0'.repeat(31) + '1', spanId: '0'.repeat(15) + '1', isSampled: false };

let isUsed = false;

const sample = createInstrument({ store: new MetricStore(), sampler: ratioSampler(0) });
const prototype: object = Object.getPrototypeOf(sample) as object;

Object.assign(prototype, {
  begin(request: BeginRequest): RequestRecord {
    if (!isUsed) process.stderr.write(`${untracedLine}\n`);
    isUsed = true;
    return new RequestRecord({ ...request, context, parentSpanId: undefined });
  },
  phase(this: typeof sample, _record: RequestRecord, phase: string, executor: string, startMs: number, endMs: number) {
    this.mark('sluice_phase_seconds', { phase, executor }, Math.max(0, endMs - startMs) / 1000);
  },
});
