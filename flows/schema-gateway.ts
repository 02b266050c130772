import { z } from 'zod';
import { pagesShape } from './schema-exposed.ts';
import { expected, jinaKey, refusedKey, sluiceKey, strictObject } from './schema-key.ts';
import { listenerShape } from './schema-listener.ts';
import { refusedEverywhere, refusedInternals } from './schema-refused.ts';
import { duration, positiveDuration, filledText, flag, limit, size, wholeNumber } from './schema-value.ts';

const ratio = 'a number from 0 to 1';

/** Limits and observation of the gateway; part of `with` and of `gateway`. */
const limitShape = {
  prefetch: jinaKey(wholeNumber(0), 'Requests in flight on one stream; 0 for no limit.', '1000'),
  timeout_send: jinaKey(limit, 'Limit of one call of an executor; -1 for none.', 'none'),
  monitoring: jinaKey(flag, 'Serves metrics for Prometheus at /metrics; here on the port of the gateway.', 'true'),
  tracing: jinaKey(flag, 'Sends traces over OTLP.', 'false'),
  traces_exporter_host: jinaKey(filledText, 'Host of the OTLP collector.', 'what OTEL_EXPORTER_OTLP_ENDPOINT says'),
  traces_exporter_port: jinaKey(wholeNumber(1), 'Port of the OTLP collector.', '4317'),
  traces_sample_ratio: sluiceKey(
    z.number(expected(ratio)).min(0, expected(ratio)).max(1, expected(ratio)),
    'Part of the requests that are traced when the caller did not decide, 0 to 1.',
    '1',
  ),
  timeout: sluiceKey(positiveDuration, 'Deadline of a request that brings none.', '60s'),
  max_body: sluiceKey(size, 'Largest body or message.', '64MiB'),
  drain_timeout: sluiceKey(duration, 'How long a stop waits for requests in flight.', '30s'),
};

/** Keys that `with` and `gateway` have in common; those of `gateway` win. */
export const gatewayShape = { ...listenerShape, ...pagesShape, ...limitShape };

const custom = "a gateway of one's own";

/** The section `gateway`. */
export const gatewaySchema = strictObject(
  {
    ...gatewayShape,
    metrics: sluiceKey(flag, 'Serves metrics for Prometheus at /metrics. The same as `monitoring`.', 'true'),
    ...refusedEverywhere,
    ...refusedInternals,
    name: refusedKey('name of the gateway', ['gateway']),
    workspace: refusedKey('folder of the gateway', [], 'write it under with'),
    env: refusedKey('environment of the gateway', [], 'set it where Sluice is started'),
    proxy: refusedKey('keeping the http_proxy variables', [false]),
    timeout_ready: refusedKey("limit of the gateway's start", [600_000, -1]),
    uses: refusedKey(custom),
    uses_with: refusedKey(custom),
    uses_metas: refusedKey(custom),
    uses_requests: refusedKey(custom),
    uses_dynamic_batching: refusedKey(custom),
    py_modules: refusedKey(custom),
    extra_search_paths: refusedKey(custom),
    replicas: refusedKey('several gateways', [1]),
    floating: refusedKey("an executor's key", [false]),
  },
  'an object',
);
