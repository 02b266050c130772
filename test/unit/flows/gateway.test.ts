import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import type { GatewayPlan } from '../../../flows/index.ts';
import { faultsIn, fixtures, planOf } from './flow-text.ts';

function flowWith(shared: string, own = '{}'): string {
  return `jtype: Flow\nwith: ${shared}\ngateway: ${own}\nexecutors: [{}]\n`;
}

function gateway(shared: string, own?: string): GatewayPlan {
  return planOf(flowWith(shared, own)).gateway;
}

function faults(shared: string, own?: string): string[] {
  return faultsIn(flowWith(shared, own));
}

describe('the gateway of a plan', () => {
  it('has every default filled in', () => {
    assert.deepEqual(gateway('{}'), {
      host: '127.0.0.1',
      listeners: [{ port: 51000, protocols: ['http'] }],
      cors: false,
      title: 'flow',
      description: '',
      searchPage: false,
      hasDebugEndpoints: true,
      hasCrudEndpoints: true,
      exposed: [],
      maxBodyBytes: 64 * 2 ** 20,
      timeoutMs: 60_000,
      prefetch: 1000,
      drainTimeoutMs: 30_000,
      metrics: true,
      tracing: { enabled: false, sampleRatio: 1 },
    });
  });

  it("serves OpenAI's form of an endpoint under any model name, or under the names that are written", () => {
    assert.deepEqual(gateway('{ openai_embeddings: /encode }').embeddings, {
      endpoint: '/encode',
      models: ['flow'],
      takesAnyModel: true,
    });
    const named = gateway('{ openai_embeddings: /a }', '{ openai_embeddings: { endpoint: /b, models: [x, y] } }');
    assert.deepEqual(named.embeddings, { endpoint: '/b', models: ['x', 'y'], takesAnyModel: false });
    assert.deepEqual(faults('{ openai_embeddings: encode }'), [
      '2:28 openai_embeddings: expected an endpoint such as /encode, got the text "encode"',
    ]);
    assert.deepEqual(faults('{ openai_embeddings: { endpoint: /encode, model: x } }'), [
      '2:49 unknown key "model"; did you mean "models"?',
    ]);
  });

  it('takes the keys of gateway over those of with, whatever name they have there', () => {
    const plan = gateway('{ port: 1, host: a, cors: yes, timeout: 1s }', '{ port_expose: 2, host: b, max_body: 1KiB }');
    assert.deepEqual(plan.listeners, [{ port: 2, protocols: ['http'] }]);
    assert.deepEqual([plan.host, plan.cors, plan.timeoutMs, plan.maxBodyBytes], ['b', true, 1000, 1024]);
  });

  it('gives each protocol of a list its own port when ports are a list', () => {
    assert.deepEqual(gateway('{ port: [1, 0], protocol: [http, HTTP] }').listeners, [
      { port: 1, protocols: ['http'] },
      { port: 0, protocols: ['http'] },
    ]);
    assert.deepEqual(faults('{ port: [1, 2] }'), [
      '2:15 port: expected one port, or as many ports as protocols; got 2 ports and 1 protocol',
    ]);
    assert.deepEqual(faults('{ ports: [1, 1], protocols: [http, http] }'), ['2:16 port: a port is named twice']);
    assert.deepEqual(faults('{ protocol: [http, http] }'), ['2:19 protocol: a protocol is named twice']);
  });

  it('refuses a protocol that does not exist, and suggests one for a slip', () => {
    assert.match(
      faults('{ protocol: htpp }').join(),
      /expected one of http, grpc, websocket, got "htpp"; did you mean "http"\?/,
    );
    assert.deepEqual(faults('{ protocol: [http, WebSocket], port: [1, 2] }'), []);
  });

  it('refuses ports that are none', () => {
    assert.deepEqual(faults('{ port: 65536 }'), ['2:15 port: expected a port from 0 to 65535, got the number 65536']);
    assert.deepEqual(faults('{ port: [1, a] }'), ['2:19 port[1]: expected a port from 0 to 65535, got the text "a"']);
    assert.match(faults('{ port: 1, port_in: 2 }').join(), /port_in is another name of port; write one of them/);
  });

  it('exposes endpoints, written as an object or as JSON text', () => {
    const expected = [
      { endpoint: '/encode', path: '/v1', methods: ['POST'], summary: 's' },
      { endpoint: 'plain', path: '/plain', methods: ['GET', 'PUT'] },
    ];
    const own = '{ /encode: { http_path: /v1, summary: s }, plain: { methods: [get, PUT] } }';
    assert.deepEqual(gateway(`{ expose_endpoints: ${own} }`).exposed, expected);
    const json = '{"/encode": {"http_path": "/v1", "summary": "s"}, "plain": {"methods": ["get", "PUT"]}}';
    assert.deepEqual(gateway(`{ expose_endpoints: '${json}' }`).exposed, expected);
  });

  it('refuses endpoints that are exposed wrongly', () => {
    const exposed = (text: string) => faults(`{ expose_endpoints: ${text} }`).join('\n');
    assert.match(exposed("'{'"), /^2:27 expose_endpoints: expected JSON text/);
    assert.match(exposed('{ /a: { path: /b } }'), /^2:41 path is a Jina key .*write http_path/);
    assert.match(exposed('{ /a: { http_path: b } }'), /http_path: expected a path that begins with \//);
    assert.match(exposed('{ /a: { methods: FETCH } }'), /methods: expected one of GET, POST/);
    assert.match(exposed('{ /a: { sumary: x } }'), /^2:35 unknown key "sumary"; did you mean "summary"\?/);
    assert.match(exposed('{ /a: { http_path: /x }, /b: { http_path: /x } }'), /\/a and \/b both have POST \/x/);
  });

  it('takes a certificate and its key, which must both be there', () => {
    const [cert, key] = ['executors/config.yml', 'executors/upper.ts'];
    assert.deepEqual(gateway(`{ ssl_certfile: ${cert} }`, `{ ssl_keyfile: ${key} }`).tls, {
      certFile: resolve(fixtures, cert),
      keyFile: resolve(fixtures, key),
    });
    assert.deepEqual(faults(`{ ssl_certfile: ${cert} }`), ['2:9 ssl_certfile needs ssl_keyfile: TLS takes both']);
    assert.deepEqual(faults(`{ ssl_certfile: ${cert}, ssl_keyfile: none.pem }`), ['2:58 there is no file none.pem']);
  });

  it('switches metrics by metrics and monitoring of gateway, or monitoring of with', () => {
    assert.equal(gateway('{ monitoring: false }').metrics, false);
    assert.equal(gateway('{ monitoring: false }', '{ metrics: true }').metrics, true);
    assert.match(faults('{}', '{ metrics: true, monitoring: false }').join(), /names of the same switch/);
    assert.match(faults('{ metrics: true }').join(), /^2:18 metrics is a Jina key that Sluice does not serve yet/);
  });

  it('traces to a collector', () => {
    const plan = gateway('{ tracing: true, traces_exporter_host: otel, traces_sample_ratio: 0.5 }');
    assert.deepEqual(plan.tracing, { enabled: true, sampleRatio: 0.5, endpoint: 'http://otel:4317' });
    const other = gateway('{ traces_exporter_host: "https://otel", traces_exporter_port: 99 }').tracing;
    assert.deepEqual(other, { enabled: false, sampleRatio: 1, endpoint: 'https://otel:99' });
    assert.match(faults('{ traces_exporter_port: 1 }').join(), /2:9 traces_exporter_port needs traces_exporter_host/);
    assert.match(faults('{ tracing_exporter_host: x }').join(), /did you mean "traces_exporter_host"\?/);
  });

  it('takes our durations and sizes as text only', () => {
    const plan = gateway('{}', '{ timeout: 1.5m, drain_timeout: 0s, prefetch: 0 }');
    assert.deepEqual([plan.timeoutMs, plan.drainTimeoutMs, plan.prefetch], [90_000, 0, Number.MAX_SAFE_INTEGER]);
    assert.deepEqual(faults('{}', '{ timeout: 5 }'), [
      '3:21 timeout: expected a duration such as "5ms" or "2s", got the number 5',
    ]);
    assert.match(faults('{}', '{ max_body: 5 }').join(), /expected a size such as "64MiB", got the number 5/);
  });
});
