import { z } from 'zod';
import { expected, jinaKey, refusedKey, strictObject } from './schema-key.ts';
import { filledText, flag, jsonObject, mapOf, milliseconds, oneOrMore, text, wholeNumber } from './schema-value.ts';

/** Batching of one endpoint or method. */
export const batchingSchema = strictObject(
  {
    preferred_batch_size: jinaKey(wholeNumber(1), 'Documents at which a batch is complete.'),
    timeout: jinaKey(milliseconds, 'How long the oldest request waits for company: milliseconds or a duration.', '0'),
    flush_all: jinaKey(flag, 'Whether everything that waits goes in one call, whatever the size.', 'false'),
    use_dynamic_batching: jinaKey(flag, 'false switches batching off.', 'true'),
    use_custom_metric: refusedKey('weighing documents by a function', [false], 'declare cost in the executor'),
    custom_metric: refusedKey('weighing documents by a function', [], 'declare cost in the executor'),
  },
  'an object such as {preferred_batch_size: 32, timeout: 10}',
);

export const batchingMap = mapOf(batchingSchema, 'an object of endpoints or methods');

/** Endpoint to method. */
export const bindingMap = mapOf(filledText, 'an object of endpoints');

/** Files that hold the class. */
export const moduleList = oneOrMore(filledText, 'the path of a .ts, .js or .mjs file, or a list with one');

/** Facts about an executor, for people and for the executor itself. */
export const metasSchema = z.looseObject(
  {
    name: jinaKey(text, 'Name of the executor for people.'),
    description: jinaKey(text, 'What the executor does.'),
    workspace: jinaKey(filledText, 'Folder for files, where neither the executor nor the flow names one.'),
    py_modules: jinaKey(moduleList, 'The same as `py_modules` beside `metas`.'),
  },
  expected('an object'),
);

/** An executor YAML file, or the same written inside `uses`. */
export const executorFileSchema = strictObject(
  {
    jtype: jinaKey(
      filledText,
      'Class name: one of `py_modules`, or one that ships with Sluice.',
      'the only class of the module',
    ),
    with: jinaKey(jsonObject, 'Options of the executor.', '{}'),
    py_modules: jinaKey(moduleList, 'The file that holds the class: .ts, .js or .mjs, relative to this file.'),
    metas: jinaKey(metasSchema, 'Facts about the executor; it sees all of them, other keys too.'),
    requests: jinaKey(bindingMap, 'Endpoint to method; replaces the binding of the method itself.'),
    dynamic_batching: jinaKey(batchingMap, 'Batching by endpoint or method name; an endpoint wins.'),
    components: refusedKey('executors inside an executor'),
  },
  'an object',
).meta({ id: 'executor_file', description: 'An executor: its class, options and bindings.' });
