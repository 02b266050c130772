import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { profileOf } from '../../../client/profile.ts';
import { DocumentArray } from '../../../core/index.ts';
import type { ClientRoute } from '../../../client/index.ts';
import { faultTo, sendJson, withServer } from './wire-server.ts';

function answer(routes: readonly ClientRoute[]) {
  return { requestId: 'r', docs: new DocumentArray(), parameters: {}, routes };
}

const routes = [
  { executor: 'gateway', startMs: 1000, endMs: 1040 },
  { executor: 'encoder', startMs: 1005, endMs: 1025 },
  { executor: 'skipped', startMs: 1030 },
];

describe('a profile', () => {
  it('divides the roundtrip into network and gateway, and that into executors', () => {
    const profile = profileOf(answer(routes), 50);
    const encoder = { name: 'encoder', ms: 20, share: 0.4, parts: [] };
    assert.equal(profile.ms, 50);
    assert.deepEqual(profile.parts, [
      { name: 'network', ms: 10, share: 0.2, parts: [] },
      { name: 'gateway', ms: 40, share: 0.8, parts: [encoder] },
    ]);
  });

  it('is drawn as a tree', () => {
    const rows = String(profileOf(answer(routes), 50))
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '));
    assert.deepEqual(rows, [
      'roundtrip 50.0 ms 100%',
      ' network 10.0 ms 20%',
      ' gateway 40.0 ms 80%',
      ' encoder 20.0 ms 40%',
    ]);
  });

  it('gives the gateway no longer than the roundtrip, though it shows at least a millisecond', () => {
    const [network, gateway] = profileOf(answer([{ executor: 'gateway', startMs: 0, endMs: 1 }]), 0.5).parts;
    assert.deepEqual([network?.ms, gateway?.ms], [0, 0.5]);
  });

  it('is refused for an answer that tells no times', () => {
    assert.throws(() => profileOf(answer([]), 5), { reason: 'protocol_error' });
  });

  it('asks the endpoint that every flow has', async () => {
    await withServer(
      (request, response) => sendJson(response, 200, { ...request.body, routes: [] }),
      async (client, server) => {
        await assert.rejects(client.profile('a cat'), { reason: 'protocol_error' });
        assert.deepEqual([server.requests[0]?.body.exec_endpoint, server.texts], ['/', [['a cat']]]);
      },
    );
  });

  it('throws what the request failed with', async () => {
    await withServer(
      (request, response) => sendJson(response, 200, faultTo(request, 'queue_full', 'full')),
      async (client) => assert.rejects(client.profile(), { reason: 'queue_full' }),
    );
  });
});
