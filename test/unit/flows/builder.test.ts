import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FlowError } from '../../../core/index.ts';
import { Flow, parseFlow } from '../../../flows/index.ts';
import { fixtures, planOf } from './flow-text.ts';

const place = { path: `${fixtures}flow.yml`, env: {} };

describe('Flow', () => {
  it('makes the same plan as the same flow in YAML', () => {
    const built = Flow.create(
      { name: 'shop', port: [1, 2], protocol: ['http', 'http'], timeoutSend: 500, env: { A: 1 } },
      place,
    )
      .add({
        name: 'upper',
        uses: 'executors/config.yml',
        usesWith: { layers: 3 },
        usesDynamicBatching: { '/encode': { preferredBatchSize: 8, timeout: '5ms', flushAll: true } },
        replicas: 2,
        queue: { requests: 5, bytes: '1MiB' },
      })
      .add({
        name: 'lower',
        uses: {
          jtype: 'Lower',
          pyModules: ['executors/upper.ts'],
          dynamicBatching: { encode: { preferredBatchSize: 4 } },
        },
        needs: 'gateway',
      })
      .add({ needs: ['upper', 'lower'], noReduce: true, device: 'cuda:1' })
      .gateway({ maxBody: '1MiB', drainTimeout: '1s' })
      .gateway({ exposeEndpoints: { '/encode': { httpPath: '/v1', methods: ['put'] } } });
    const written = planOf(`
jtype: Flow
with: { name: shop, port: [1, 2], protocol: [http, http], timeout_send: 500, env: { A: 1 } }
gateway:
  max_body: 1MiB
  drain_timeout: 1s
  expose_endpoints: { /encode: { http_path: /v1, methods: [PUT] } }
executors:
  - name: upper
    uses: executors/config.yml
    uses_with: { layers: 3 }
    uses_dynamic_batching: { /encode: { preferred_batch_size: 8, timeout: 5, flush_all: yes } }
    replicas: 2
    queue: { requests: 5, bytes: 1MiB }
  - name: lower
    uses: { jtype: Lower, py_modules: [executors/upper.ts], dynamic_batching: { encode: { preferred_batch_size: 4 } } }
    needs: gateway
  - needs: [upper, lower]
    no_reduce: true
    device: cuda:1
`);
    assert.deepEqual(built.plan(), written);
    assert.deepEqual(parseFlow(built.toYaml(), place), written);
  });

  it('leaves the flow it is called on as it is', () => {
    const one = Flow.create({}, place).add({ name: 'a' });
    const two = one.add({ name: 'b' });
    assert.equal(one.plan().executors.length, 1);
    assert.equal(two.plan().executors.length, 2);
  });

  it('does not freeze what it was given', () => {
    const usesWith = { list: [1] };
    Flow.create({}, place).add({ usesWith }).plan();
    usesWith.list.push(2);
    assert.deepEqual(usesWith.list, [1, 2]);
  });

  it('has the same checks, with paths where a file has lines', () => {
    const flow = Flow.create({ cors: true }, place).add({ replicas: 0, needs: 'upper' });
    assert.throws(
      () => flow.plan(),
      (error: unknown) => {
        assert.ok(error instanceof FlowError);
        assert.equal(
          error.message.replaceAll(fixtures, ''),
          'flow.yml: replicas: expected a whole number of at least 1, got the number 0 (at executors[0].replicas)\n' +
            'flow.yml: needs: there is no executor "upper" (at executors[0].needs[0])',
        );
        return true;
      },
    );
    const wrong: Record<string, unknown> = { usesWiht: {} };
    assert.throws(() => Flow.create({}, place).add(wrong).plan(), /unknown key "uses_wiht"; did you mean "uses_with"/);
    assert.throws(
      () =>
        Flow.create({}, place)
          .add({ usesWith: { at: NaN } })
          .plan(),
      /expected a JSON value, got the number NaN \(at executors\[0\]\.uses_with\.at\)/,
    );
  });

  it('writes texts so that they are read back as they were, variables and words of YAML too', () => {
    const words = fc.constantFrom(
      '$HOME',
      '${{ ENV.X }}',
      '$$A',
      'yes',
      'on',
      '5',
      'null',
      '- a',
      '# b',
      'a: b',
      '\n',
      '!x',
      '',
    );
    fc.assert(
      fc.property(fc.array(words), (parts) => {
        const flow = Flow.create({}, place).add({ usesWith: { one: parts.join(''), two: parts } });
        assert.deepEqual(parseFlow(flow.toYaml(), place), flow.plan());
        assert.deepEqual(flow.plan().executors[0]?.with, { one: parts.join(''), two: parts });
      }),
      { numRuns: 60 },
    );
  });
});
