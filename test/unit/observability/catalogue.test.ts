import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MetricEntry, metrics } from '../../../observability/index.ts';

/** What a label may be: each is a set that the flow, the code or the number of workers bounds. */
const boundedLabels = new Set([
  'device',
  'endpoint',
  'executor',
  'flush_reason',
  'method',
  'name',
  'phase',
  'protocol',
  'reason',
  'replica',
  'state',
]);
const entries = Object.entries(metrics) as [string, MetricEntry][];

describe('catalogue', () => {
  it('names metrics as Prometheus wants them: unit last, _total on counters and on nothing else', () => {
    for (const [name, { type }] of entries) {
      assert.match(name, /^sluice_[a-z_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
    }
  });

  it('explains every metric in a sentence', () => {
    for (const [name, { help }] of entries) assert.match(help, /^[A-Z0-9].{10,}\.$/, name);
  });

  it('labels by bounded sets only', () => {
    for (const [name, { labels }] of entries) {
      assert.equal(new Set(labels).size, labels.length, name);
      for (const label of labels) assert.ok(boundedLabels.has(label), `${name} has the label ${label}`);
    }
  });

  it('has rising buckets on histograms and on nothing else', () => {
    for (const [name, { type, buckets }] of entries) {
      assert.equal(buckets !== undefined, type === 'histogram', name);
      assert.deepEqual(
        buckets,
        buckets?.toSorted((a, b) => a - b),
        name,
      );
    }
  });
});
