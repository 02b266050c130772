import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { metrics, MetricStore, startObservability } from '../../../observability/index.ts';
import { MetricsPage } from '../../../observability/exposition.ts';
import { keepingInstrument, runThroughTwoExecutors } from './recorded-requests.ts';
import { parsePrometheusText } from './prometheus-text.ts';

function filledStore(): MetricStore {
  const { instrument, store } = keepingInstrument();
  const begin = { protocol: 'http', endpoint: '/encode', startMs: 1000 };
  const records = ['a', 'b'].map((digit) => instrument.begin({ requestId: digit.repeat(32), ...begin }));
  runThroughTwoExecutors(instrument, records);
  for (const record of records) instrument.finish(record, { endMs: 1030, endpointLabel: '/encode' });
  instrument.gauge('sluice_inflight_requests', { protocol: 'http' }, 2);
  return store;
}

describe('metrics page', () => {
  it('shows every metric of the catalogue with its type and help', async () => {
    const { body, contentType } = await new MetricsPage(new MetricStore()).render();
    const families = parsePrometheusText(body);
    for (const [name, entry] of Object.entries(metrics)) {
      assert.deepEqual([families.get(name)?.type, families.get(name)?.help], [entry.type, entry.help], name);
    }
    assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  });

  it('shows what was measured', async () => {
    const families = parsePrometheusText((await new MetricsPage(filledStore(), false).render()).body);
    const [requests] = families.get('sluice_requests_total')?.samples ?? [];
    assert.equal(requests?.value, 2);
    assert.deepEqual(Object.fromEntries(requests.labels), { protocol: 'http', endpoint: '/encode', reason: 'ok' });
    const runs = families.get('sluice_phase_seconds')?.samples.filter((sample) => {
      return sample.labels.get('phase') === 'run' && sample.labels.get('executor') === 'encoder';
    });
    assert.equal(runs?.find((sample) => sample.name.endsWith('_count'))?.value, 2);
    assert.equal(runs.find((sample) => sample.name.endsWith('_sum'))?.value, 0.01);
    const bucket = (le: string) => runs.find((sample) => sample.labels.get('le') === le)?.value;
    assert.deepEqual([bucket('0.0025'), bucket('0.005'), bucket('+Inf')], [0, 2, 2]);
  });

  it('escapes label values', async () => {
    const store = new MetricStore();
    const name = 'say "hi"\\\nagain';
    store.count('sluice_executor_count_total', { executor: 'encoder', name });
    const families = parsePrometheusText((await new MetricsPage(store, false).render()).body);
    assert.equal(families.get('sluice_executor_count_total')?.samples[0]?.labels.get('name'), name);
  });

  it('shows numbers of the process itself beside the catalogue', async () => {
    const observability = await startObservability({
      serviceName: 'test',
      tracing: { enabled: false, sampleRatio: 1 },
    });
    const families = parsePrometheusText((await observability.metricsPage()).body);
    await observability.shutdown();
    assert.ok(families.has('process_cpu_seconds_total'));
    assert.ok(families.has('nodejs_eventloop_lag_seconds'));
  });

  const promtool = spawnSync('promtool', ['--version']);
  it('passes promtool', { skip: promtool.error ? 'promtool is not installed' : false }, async () => {
    const check = async (page: MetricsPage) =>
      spawnSync('promtool', ['check', 'metrics'], { input: (await page.render()).body, encoding: 'utf8' });
    const ours = await check(new MetricsPage(filledStore(), false));
    assert.equal(ours.status, 0, ours.stderr);
    // 3: it can be read, but some of prom-client's own names are not to promtool's taste.
    const all = await check(new MetricsPage(filledStore()));
    assert.equal(all.status, 3, all.stderr);
  });
});
