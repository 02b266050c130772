import { z } from 'zod';
import { deploymentSchema, executorSchema, handedDownShape } from './schema-executor.ts';
import { gatewaySchema, gatewayShape } from './schema-gateway.ts';
import { expected, jinaKey, refusedKey, strictObject } from './schema-key.ts';
import { refusedEverywhere, refusedHandedDown, refusedInternals } from './schema-refused.ts';
import { filledText, flag } from './schema-value.ts';

const flowName = filledText.regex(
  /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u,
  expected('a name of letters, digits, _, . and -'),
);

/** The section `with`: arguments of the flow, of the gateway, and what is handed down to executors. */
export const withSchema = strictObject(
  {
    name: jinaKey(flowName, 'Name of the flow.', 'the name of the file'),
    ...gatewayShape,
    ...handedDownShape,
    ...refusedEverywhere,
    ...refusedInternals,
    ...refusedHandedDown,
    suppress_root_logging: jinaKey(flag, 'Leaves other loggers alone. Always so here, whatever is written.', 'true'),
    metrics: refusedKey(
      'push of metrics over OTLP',
      [false],
      'metrics for Prometheus are on unless gateway.metrics is false',
    ),
    inspect: refusedKey('inspecting executors', ['COLLECT']),
    asyncio: refusedKey('the flow object of asynchronous Python', [false]),
    tls: refusedKey('TLS of the Python client', [false], 'write ssl_certfile and ssl_keyfile'),
    proxy: refusedKey('keeping the http_proxy variables', [false]),
    uses: refusedKey('another flow file', [], 'write uses in an executor'),
    py_modules: refusedKey('modules for every executor', [], 'write py_modules in the executor'),
    floating: refusedKey("an executor's key", [false]),
    uses_with: refusedKey('options that are not handed down', [], 'write uses_with in an executor'),
  },
  'an object',
);

const executors = z.array(
  z.union([z.string(), deploymentSchema, executorSchema], expected('an object, or the path of a Deployment YAML file')),
  expected('a list of executors'),
);

const versions = [1, '1', '1.0'] as const;

/** A flow file. */
export const flowSchema = strictObject(
  {
    jtype: z.literal('Flow', expected('Flow')).describe('Always Flow.'),
    version: jinaKey(
      z.union(
        versions.map((value) => z.literal(value)),
        expected('version 1'),
      ),
      'Version of the format.',
      '1',
    ),
    with: jinaKey(withSchema, 'Arguments of the flow and of its gateway, and what is handed down to every executor.'),
    executors: jinaKey(executors, 'The executors, in order: objects, or paths of Deployment YAML files.'),
    deployments: jinaKey(executors, 'The same as `executors`.'),
    gateway: jinaKey(gatewaySchema, 'Where and how the gateway serves the flow; wins over `with`.'),
  },
  'a flow: an object with jtype: Flow',
);
