import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunningFlow, startFlow } from '../../index.ts';
import { type Collector, type OtlpSpan, startCollector } from './otlp-collector.ts';

const executors = fileURLToPath(new URL('../fixtures/executors/faults.ts', import.meta.url));

/** Both documents make one batch, and one of them kills each worker that touches it. */
const flowYaml = (tracesPort: string) => `
jtype: Flow
with:
  protocol: http
  port: 0
  tracing: true
  traces_exporter_host: 127.0.0.1
  traces_exporter_port: ${tracesPort}
executors:
  - name: faults
    uses: Faults
    py_modules: [${JSON.stringify(executors)}]
    replicas: 2
    uses_dynamic_batching:
      /poison: { preferred_batch_size: 2, timeout: 50000 }
`;

const errorCode = 2;

describe('spans of requests whose worker died', () => {
  let collector: Collector;
  let folder: string;
  let flow: RunningFlow;
  let spans: OtlpSpan[];

  const post = async (text: string) => {
    const response = await fetch(`${flow.urls[0] ?? ''}/post`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data: [{ text }], exec_endpoint: '/poison' }),
    });
    await response.text();
    return response.status;
  };

  before(async () => {
    collector = await startCollector();
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-tracing-'));
    const file = path.join(folder, 'flow.yml');
    await writeFile(file, flowYaml(new URL(collector.url).port));
    flow = await startFlow(file);
    assert.deepEqual(await Promise.all([post('a'), post('poison')]), [200, 503]);
    await flow.stop();
    spans = collector.spans();
  });

  after(async () => {
    await flow.stop();
    await collector.stop();
    await rm(folder, { recursive: true });
  });

  const ofRequest = (isFailed: boolean) => {
    const root = spans.find(({ name, status }) => name === 'POST /poison' && (status.code === errorCode) === isFailed);
    assert.ok(root, `a request that ${isFailed ? 'failed' : 'was answered'}`);
    const all = spans.filter(({ traceId }) => traceId === root.traceId);
    const attempts = all.filter(({ name }) => name === 'attempt faults');
    return {
      all,
      attempts: attempts.toSorted((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1)),
    };
  };
  const attributeOf = (span: OtlpSpan | undefined, name: string) =>
    Number(span?.attributes.find(({ key }) => key === name)?.value['intValue']);

  it('show the attempt that failed with its error, and the retry that answered beside it', () => {
    const { all, attempts } = ofRequest(false);
    assert.deepEqual(
      attempts.map((span) => [attributeOf(span, 'sluice.batch.attempt'), span.status.code ?? 0]),
      [
        [1, errorCode],
        [2, 0],
      ],
    );
    const [failed, retried] = attempts;
    assert.match(failed?.status.message ?? '', /was ended by SIGKILL/);
    const executor = all.find(({ name }) => name === 'executor faults');
    assert.deepEqual(new Set(attempts.map(({ parentSpanId }) => parentSpanId)), new Set([executor?.spanId]));
    assert.equal(executor?.status.code ?? 0, 0);
    const below = (span: OtlpSpan | undefined) =>
      all
        .filter(({ parentSpanId, name }) => parentSpanId === span?.spanId && !name.startsWith('batch'))
        .map((s) => s.name);
    assert.deepEqual(below(failed), ['queue']);
    assert.deepEqual(below(retried), ['queue', 'send', 'run', 'receive']);
    assert.ok(
      BigInt(retried?.startTimeUnixNano ?? 0) >= BigInt(failed?.endTimeUnixNano ?? 0),
      'the retry begins when its worker is lost',
    );
  });

  it('show both attempts as failed where the retry killed its worker as well', () => {
    const { attempts } = ofRequest(true);
    assert.deepEqual(
      attempts.map((span) => [attributeOf(span, 'sluice.batch.attempt'), span.status.code]),
      [
        [1, errorCode],
        [2, errorCode],
      ],
    );
  });

  it('show the joined call that failed once, with its error and links to both requests', () => {
    const batches = spans.filter(({ name }) => name === 'batch faults');
    const joined = batches.filter((span) => attributeOf(span, 'sluice.batch.requests') === 2);
    assert.deepEqual(
      joined.map(({ status, links }) => [status.code, links?.length]),
      [[errorCode, 2]],
    );
    assert.equal(batches.length, 3);
  });
});
