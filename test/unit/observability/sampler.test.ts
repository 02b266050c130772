import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { tracing } from '@opentelemetry/sdk-node';
import { newId } from '../../../core/index.ts';
import { ratioSampler } from '../../../observability/index.ts';

describe('ratio sampler', () => {
  it('keeps all at 1 and none at 0', () => {
    const ids = Array.from({ length: 100 }, newId);
    assert.ok(ids.every(ratioSampler(1)));
    assert.ok(!ids.some(ratioSampler(0)));
  });

  it('decides as OpenTelemetry’s TraceIdRatioBased sampler does', () => {
    for (const ratio of [0.001, 0.1, 0.5, 0.9]) {
      const theirs = new tracing.TraceIdRatioBasedSampler(ratio);
      const ours = ratioSampler(ratio);
      for (let count = 0; count < 500; count++) {
        const traceId = newId();
        const { decision } = theirs.shouldSample(ROOT_CONTEXT, traceId);
        assert.equal(ours(traceId), decision === tracing.SamplingDecision.RECORD_AND_SAMPLED, `${traceId} at ${ratio}`);
      }
    }
  });

  it('keeps about the part it was asked for of the ids that requests have', () => {
    const keeps = ratioSampler(0.25);
    let kept = 0;
    for (let count = 0; count < 20_000; count++) if (keeps(newId())) kept++;
    // Ten standard deviations.
    assert.ok(Math.abs(kept - 5000) < 612, `kept ${kept}`);
  });
});
