import { z } from 'zod';
import { batchingMap, bindingMap, executorFileSchema, moduleList } from './schema-executor-file.ts';
import { expected, jinaKey, sluiceKey, strictObject } from './schema-key.ts';
import { refusedEverywhere, refusedInExecutors, refusedInternals } from './schema-refused.ts';
import {
  environment,
  filledText,
  flag,
  identifier,
  jsonObject,
  limit,
  noneOrMore,
  oneOrMore,
  size,
  text,
  wholeNumber,
} from './schema-value.ts';

const deviceName = filledText.regex(/^[a-z][a-z0-9]*(:\d+)?$/, expected('a device such as cpu, cuda or cuda:1'));

/** Bounds of what waits for one endpoint of an executor. */
export const queueSchema = strictObject(
  {
    requests: sluiceKey(wholeNumber(1), 'Requests that may wait for one endpoint.', '1024'),
    bytes: sluiceKey(size, 'Bytes that may wait for one endpoint.', '256MiB'),
  },
  'an object such as {requests: 1024, bytes: 256MiB}',
);

/** Keys that `with` hands down to every executor that does not write them itself. */
export const handedDownShape = {
  workspace: jinaKey(
    filledText,
    'Folder for files, relative to the flow file; each executor makes its own folder in it.',
    '.sluice and the name of the flow, beside the file',
  ),
  env: jinaKey(environment, 'Environment variables of the workers.'),
  timeout_ready: jinaKey(
    limit,
    "Total limit of a worker's start; -1 for none. A start without any progress fails after 60 s all the same.",
    'none',
  ),
  replicas: jinaKey(wholeNumber(1), 'Worker processes of an executor.', '1'),
  uses_metas: jinaKey(jsonObject, 'Wins over `metas` of the executor file, key by key.'),
  uses_requests: jinaKey(bindingMap, 'Wins over `requests` of the executor file, key by key.'),
  uses_dynamic_batching: jinaKey(batchingMap, 'Wins over `dynamic_batching` of the executor file, setting by setting.'),
  extra_search_paths: jinaKey(
    z.array(filledText, expected('a list of folders')),
    'Folders in which files are searched too.',
    '[]',
  ),
  no_reduce: jinaKey(flag, 'Keeps branches that meet apart instead of merging their documents by id.', 'false'),
  disable_reduce: jinaKey(flag, 'The same as `no_reduce`.'),
  concurrency: sluiceKey(wholeNumber(1), 'Batches at the same time in one worker.', 'what the class says, else 1'),
  device: sluiceKey(
    oneOrMore(deviceName, 'a device such as cpu, cuda or cuda:1, or a list of them'),
    'Device of the workers; a list is dealt out to the replicas in turn.',
    'cpu',
  ),
  queue: sluiceKey(queueSchema, 'Bounds of what waits for an executor: `requests` and `bytes`.'),
};

const usesForms = 'a file, an executor that ships with Sluice, an npm package, or an object';

/** One item of `executors`; also `with` of a Deployment. */
export const executorSchema = strictObject(
  {
    name: jinaKey(identifier, 'Name in routes, metrics and `needs`.', 'executor<number>'),
    method: jinaKey(
      z.enum(['add', 'needs'], expected('add or needs')),
      'needs: an executor that only joins; it is named joiner and passes documents on.',
      'add',
    ),
    uses: jinaKey(
      z.union([text, executorFileSchema], expected(usesForms)),
      'What runs: a .ts, .js or .mjs file (with #ClassName if it has several), an executor YAML file, one that ships with Sluice, an npm package, or an executor YAML written here.',
      'Echo',
    ),
    uses_with: jinaKey(jsonObject, 'Options of the executor; wins over `with` of the executor file, key by key.'),
    needs: jinaKey(
      noneOrMore('a name, or a list of names'),
      'Executors that come before; gateway for the start.',
      'the executor before, floating ones apart',
    ),
    floating: jinaKey(flag, 'Called, but nobody waits for it.', 'false'),
    timeout_send: jinaKey(limit, 'Limit of one call; -1 for none.', 'none'),
    monitoring: jinaKey(
      flag,
      'Metrics of the executor. Always at /metrics of the gateway, whatever is written.',
      'true',
    ),
    py_modules: jinaKey(moduleList, 'The file that holds the class named by `uses`: .ts, .js or .mjs.'),
    ...handedDownShape,
    ...refusedEverywhere,
    ...refusedInternals,
    ...refusedInExecutors,
  },
  'an object, or the path of a Deployment YAML file',
).meta({ id: 'executor', description: 'An executor of the flow.' });

/** A Deployment YAML file, or the same as an item of `executors`. */
export const deploymentSchema = strictObject(
  {
    jtype: z.literal('Deployment', expected('Deployment')).describe('Always Deployment.'),
    version: jinaKey(z.union([z.literal('1'), z.literal(1)], expected('1')), 'Version of the format.', '1'),
    with: executorSchema.describe('The executor.'),
    needs: jinaKey(
      noneOrMore('a name, or a list of names'),
      'Executors that come before; wins over `needs` inside `with`.',
    ),
  },
  'an object with jtype: Deployment',
).meta({ id: 'deployment', description: 'An executor in the form of a Deployment.' });
