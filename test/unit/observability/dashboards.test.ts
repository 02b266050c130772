import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { type MetricEntry, metrics } from '../../../observability/index.ts';
import { alerts, rows } from '../../../scripts/dashboard-panels.ts';

const queries = [
  ...rows.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries: all }) => all.map(({ expr, legend }) => ({ title, expr, legend }))),
  ),
  ...alerts.map(({ name, expr, summary }) => ({ title: name, expr, legend: summary })),
];

/** prom-client's metrics of the parent process, which carry no labels. */
const ofProcess = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'];
/** What Prometheus itself puts on every series. */
const ofScrape = ['job', 'instance'];

/** Metric names and label names of a query; throws where it is no PromQL. */
function namesIn(expr: string): { metricNames: string[]; labels: string[] } {
  const text = expr.replaceAll('$__rate_interval', '1m');
  const metricNames: string[] = [];
  const labels: string[] = [];
  parser.parse(text).iterate({
    enter: (node) => {
      const part = text.slice(node.from, node.to);
      assert.ok(!node.type.isError, `no PromQL at character ${node.from} of ${text}`);
      if (node.name === 'Identifier') metricNames.push(part);
      if (node.name === 'LabelName') labels.push(part);
    },
  });
  return { metricNames, labels };
}

/** Labels of a sample on the metrics page; undefined when there is no such sample. */
function labelsOf(sample: string): readonly string[] | undefined {
  if (ofProcess.includes(sample)) return ofScrape;
  const [, base = sample, suffix] = /^(.*)_(bucket|sum|count)$/.exec(sample) ?? [];
  const catalogue: Readonly<Record<string, MetricEntry>> = metrics;
  const histogram = catalogue[base];
  if (suffix !== undefined && histogram?.type === 'histogram') {
    return [...histogram.labels, ...ofScrape, ...(suffix === 'bucket' ? ['le'] : [])];
  }
  const entry = catalogue[sample];
  return entry === undefined || entry.type === 'histogram' ? undefined : [...entry.labels, ...ofScrape];
}

describe('queries of the dashboard and the alerts', () => {
  for (const { title, expr, legend } of queries) {
    it(`${title}: ${expr}`, () => {
      const { metricNames, labels } = namesIn(expr);
      assert.ok(metricNames.length > 0, 'it asks for a metric');
      const known = metricNames.map((name) => labelsOf(name) ?? assert.fail(`${name} is not on the metrics page`));
      for (const label of labels) assert.ok(known.flat().includes(label), `no metric of it has the label ${label}`);
      // Grafana writes {{label}}, Prometheus {{ $labels.label }}.
      for (const [, label = ''] of legend.matchAll(/\{\{(?: \$labels\.)?(\w+) ?\}\}/g)) {
        assert.ok(labels.includes(label), `its result has no label ${label} for the legend`);
      }
    });
  }

  it('show every metric of queues, batches and workers', () => {
    const used = new Set(queries.flatMap(({ expr }) => namesIn(expr).metricNames));
    const missing = Object.keys(metrics).filter(
      (name) =>
        /_(queue|batch|batches|worker|retries|dropped)_?/.test(name) &&
        ![name, `${name}_bucket`].some((sample) => used.has(sample)),
    );
    assert.deepEqual(missing, []);
  });
});
