import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LiveSnapshot } from '../../../../gateway/index.ts';
import { echo, postJson, withGateway } from '../running-gateway.ts';

async function look(url: string): Promise<LiveSnapshot> {
  return (await (await fetch(`${url}/live.json`)).json()) as LiveSnapshot;
}

describe('live view of a flow', () => {
  it('shows what was answered, and the waterfall of what took long', () =>
    withGateway({ executors: [echo] }, async ({ url }) => {
      await look(url);
      await postJson(`${url}/encode`, { data: [{ text: 'a' }] });
      await postJson(`${url}/nowhere`, {});
      const live = await look(url);
      assert.equal(live.status, 'ready');
      assert.deepEqual(
        live.endpoints.map(({ endpoint, reasons }) => [endpoint, reasons]),
        [['/encode', { ok: 1 }]],
      );
      assert.ok(live.total.per_second > 0);
      const [slow] = live.slow;
      assert.equal(slow?.endpoint, '/encode');
      assert.ok(slow.phases.some(({ phase }) => phase === 'decode'));
    }));

  it('says why the flow is not ready', () =>
    withGateway({ isLoading: true }, async ({ url }) => {
      const live = await look(url);
      assert.deepEqual([live.status, live.reasons.length], ['not_ready', 1]);
    }));

  it('has a page, unless the flow leaves its debug endpoints out', async () => {
    await withGateway({}, async ({ url }) => {
      assert.match(await (await fetch(`${url}/dashboard`)).text(), /dashboard\/dashboard\.js/);
      assert.equal((await fetch(`${url}/dashboard/dashboard.js`)).status, 200);
    });
    await withGateway({ plan: { hasDebugEndpoints: false } }, async ({ url }) => {
      for (const path of ['/dashboard', '/live.json', '/dashboard/dashboard.js']) {
        assert.equal((await fetch(`${url}${path}`)).status, 404, path);
      }
    });
  });
});
