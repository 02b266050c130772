import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunningFlow, startFlow } from '../../index.ts';
import { parsePrometheusText } from '../unit/observability/prometheus-text.ts';
import { type Collector, type OtlpSpan, startCollector } from './otlp-collector.ts';

const executors = fileURLToPath(new URL('../fixtures/executors/echo.ts', import.meta.url));

/** Two executors; two documents make a batch of the first, however long the first of them has to wait. */
const flowYaml = `
jtype: Flow
with:
  protocol: http
  port: 0
  tracing: true
executors:
  - name: encoder
    uses: Echo
    py_modules: [${JSON.stringify(executors)}]
    uses_dynamic_batching:
      /timed: { preferred_batch_size: 2, timeout: 50000 }
  - name: indexer
    uses: Echo
    py_modules: [${JSON.stringify(executors)}]
`;

const traceparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;

describe('a flow that is traced', () => {
  let collector: Collector;
  let folder: string;
  let flow: RunningFlow;
  let spans: OtlpSpan[];
  let metricsText: string;
  const environment = { ...process.env };

  const post = async (endpoint: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${flow.urls[0] ?? ''}/post`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ data: [{ text: 'a cat' }], exec_endpoint: endpoint }),
    });
    assert.equal(response.status, 200, await response.text());
  };

  before(async () => {
    collector = await startCollector();
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-tracing-'));
    const file = path.join(folder, 'flow.yml');
    await writeFile(file, flowYaml);
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
    process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
    flow = await startFlow(file);
    await Promise.all([post('/timed'), post('/timed', { traceparent })]);
    metricsText = await (await fetch(`${flow.urls[0] ?? ''}/metrics`)).text();
    await flow.stop();
    spans = collector.spans();
  });

  after(async () => {
    for (const key of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
      const value = environment[key];
      if (value === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = value;
    }
    await collector.stop();
    await rm(folder, { recursive: true });
  });

  const named = (name: string) => spans.filter((span) => span.name === name);
  const childrenOf = (parent: OtlpSpan | undefined) => spans.filter((span) => span.parentSpanId === parent?.spanId);

  it('gives each caller a tree without orphans, under the span of the caller that brought one', () => {
    const ids = new Set(spans.map((span) => span.spanId));
    const tops = spans.filter((span) => !ids.has(span.parentSpanId ?? ''));
    assert.deepEqual(tops.map((span) => [span.name, span.parentSpanId ?? '']).sort(), [
      ['POST /timed', ''],
      ['POST /timed', 'd'.repeat(16)],
    ]);
    for (const top of tops) {
      const names = childrenOf(top).map((span) => span.name);
      assert.deepEqual(names.sort(), ['admit', 'decode', 'encode', 'executor encoder', 'executor indexer']);
    }
  });

  it('shows what each executor did for each caller', () => {
    for (const executor of [...named('executor encoder'), ...named('executor indexer')]) {
      const phases = childrenOf(executor).filter((span) => !span.name.startsWith('batch'));
      assert.deepEqual(
        phases.map((span) => span.name),
        ['queue', 'send', 'run', 'receive'],
      );
    }
    assert.equal(named('executor encoder').length, 2);
  });

  it('shows the batch that joined both callers once, with links to both', () => {
    const [batch, ...others] = named('batch encoder');
    assert.ok(batch && others.length === 0);
    const callers = named('POST /timed').map((span) => span.spanId);
    assert.deepEqual(batch.links?.map((link) => link.spanId).sort(), callers.sort());
    const documents = batch.attributes.find(({ key }) => key === 'sluice.batch.documents');
    assert.equal(Number(documents?.value['intValue']), 2);
  });

  it('has phases that lie inside the request, one after another', () => {
    const start = (span: OtlpSpan) => BigInt(span.startTimeUnixNano);
    const end = (span: OtlpSpan) => BigInt(span.endTimeUnixNano);
    // Each process sets its clock while it starts: a pause at that moment, on a busy machine, stays as an error.
    const clockErrorNs = 5_000_000n;
    for (const request of named('POST /timed')) {
      const parts = childrenOf(request).toSorted((a, b) => (start(a) < start(b) ? -1 : 1));
      let free = start(request);
      for (const part of [...parts, { ...request, startTimeUnixNano: request.endTimeUnixNano }]) {
        const early = free - start(part);
        assert.ok(early <= clockErrorNs, `${part.name} begins ${early} ns before what is before it has ended`);
        free = end(part);
      }
    }
  });

  it('counts the same on the metrics page', () => {
    const families = parsePrometheusText(metricsText);
    const valueOf = (family: string, sample: string, labels: Record<string, string>) =>
      families
        .get(family)
        ?.samples.find(
          ({ name, labels: has }) =>
            name === sample && Object.entries(labels).every(([label, value]) => has.get(label) === value),
        )?.value;
    const requests = { endpoint: '/timed', reason: 'ok', protocol: 'http' };
    assert.equal(valueOf('sluice_requests_total', 'sluice_requests_total', requests), 2);
    for (const [executor, batches] of [
      ['encoder', 1],
      ['indexer', undefined],
    ] as const) {
      const run = { executor, phase: 'run' };
      assert.equal(valueOf('sluice_phase_seconds', 'sluice_phase_seconds_count', run), 2);
      if (batches === undefined) continue;
      const joined = { executor, endpoint: '/timed' };
      assert.equal(valueOf('sluice_batches_total', 'sluice_batches_total', joined), batches);
      assert.equal(valueOf('sluice_batch_documents', 'sluice_batch_documents_sum', joined), 2);
    }
  });
});
