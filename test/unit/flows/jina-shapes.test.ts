import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { loadFlow, type Plan } from '../../../flows/index.ts';
import { fixtures } from './flow-text.ts';

async function load(name: string, env: Record<string, string> = {}, context = {}): Promise<Plan> {
  return (await loadFlow(join(fixtures, 'jina', name), { env, context })).plan;
}

const upperFile = resolve(fixtures, 'executors/upper.ts');

describe('flow files as Jina users write them', () => {
  it('take the tag form, for the flow and for a class inside uses', async () => {
    const plan = await load('tag.yml');
    assert.equal(plan.name, 'tag');
    const [upper] = plan.executors;
    assert.deepEqual(upper?.source, { kind: 'module', path: upperFile });
    assert.equal(upper.className, 'Upper');
    assert.deepEqual(upper.with, { layers: 1 });
  });

  it('fan out and in, with an executor YAML, words of YAML 1.1 and keys whose default asks for nothing', async () => {
    const plan = await load('fan-out.yml');
    assert.deepEqual(
      plan.executors.map(({ name, needs, isFloating }) => [name, needs, isFloating]),
      [
        ['upper', [], false],
        ['left', ['upper'], false],
        ['right', ['upper'], false],
        ['join', ['left', 'right'], false],
        ['log', ['upper'], true],
      ],
    );
    assert.equal(plan.last, 'join');
    const [upper, left, , join] = plan.executors;
    assert.equal(upper?.timeoutReadyMs, 3_000_000);
    assert.deepEqual(upper.with, { model: 'small', layers: 2 });
    assert.deepEqual(upper.metas, { name: 'Upper case', description: 'Makes texts upper case' });
    assert.deepEqual(upper.requests, { '/encode': 'encode', '/upper': 'encode' });
    assert.deepEqual(upper.dynamicBatching['/encode'], { preferredBatchSize: 16, timeoutMs: 100 });
    assert.equal(left?.className, 'Lower');
    assert.equal(left.timeoutSendMs, 2000);
    assert.equal(join?.noReduce, true);
    assert.deepEqual(plan.gateway.listeners, [{ port: 12345, protocols: ['http'] }]);
    assert.equal(plan.gateway.prefetch, 50);
    assert.equal(plan.gateway.hasCrudEndpoints, false);
    assert.equal(plan.gateway.hasDebugEndpoints, true);
    assert.equal(plan.gateway.cors, true);
  });

  it('name Deployments by file, as objects and with a tag', async () => {
    const plan = await load('deployments.yml');
    assert.deepEqual(
      plan.executors.map(({ name, needs, replicas }) => [name, needs, replicas]),
      [
        ['upper', [], 2],
        ['lower', ['upper'], 1],
        ['last', ['upper', 'lower'], 1],
      ],
    );
    assert.deepEqual(plan.executors[0]?.source, { kind: 'module', path: upperFile });
    assert.deepEqual(plan.gateway.exposed, [
      { endpoint: '/encode', path: '/v1/encode', methods: ['POST', 'PUT'], tags: ['text'] },
    ]);
    assert.equal(plan.gateway.listeners[0]?.port, 8080);
  });

  it('take variables of the environment, of the context and of the file, and read what they say', async () => {
    const env = { PORT: '0', REPLICAS: '3', SIZES: '[1, 2.5, x]' };
    const plan = await load('variables.yml', env, { owner: 'Ada', uses: 'Encoder' });
    assert.deepEqual(plan.gateway.listeners, [{ port: 0, protocols: ['http'] }]);
    assert.equal(plan.gateway.title, 'Flow of Ada');
    const [upper] = plan.executors;
    assert.equal(upper?.replicas, 3);
    assert.deepEqual(upper.source, { kind: 'builtin', name: 'Encoder' });
    assert.deepEqual(upper.with, { sizes: [1, 2.5, 'x'], port: 0, half: 0, price: '$5 or $FIVE', on: false });
    assert.deepEqual(upper.requests, { on: 'encode' });
  });

  it('name executors by position, join with method: needs, and hand down what with says', async () => {
    const plan = await load('joiner.yml');
    assert.deepEqual(
      plan.executors.map(({ name, needs, replicas, env }) => [name, needs, replicas, env]),
      [
        ['executor0', [], 2, { LEVEL: '3' }],
        ['executor1', [], 2, { OTHER: 'true' }],
        ['joiner', ['executor0', 'executor1'], 2, { LEVEL: '3' }],
      ],
    );
    assert.equal(plan.executors[0]?.workspace, resolve(fixtures, 'data'));
  });
});
