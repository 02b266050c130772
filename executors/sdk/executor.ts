import type { DocumentArray, JsonObject } from '../../core/index.ts';
import type { ExecutorContext } from './context.ts';
import type { EndpointTable } from './endpoint.ts';

/** Where a worker's time goes: what one more row, and one more call, cost the model. Measured by `warmup`. */
export interface CostCalibration {
  /**
   * Fixed cost of one call, in the units of the endpoint's cost (tokens, characters, rows ...). Rows are joined only
   * while the padding they cause costs less than the calls they save.
   */
  readonly callCost: number;
  /** Most cost (rows x longest row) that one call should carry; Infinity when nothing limits it. */
  readonly maxCallCost: number;
}

/** The key of the mark that every executor class carries. */
export const executorBrand: unique symbol = Symbol.for('sluice.executor') as never;

/** Something that checks options and gives them their type: a zod schema fits. */
export interface OptionsSchema<Options> {
  parse(input: unknown): Options;
}

/**
 * Base class of all executors. One instance lives in each worker process.
 *
 * Life: constructor, `init`, `warmup`, then requests, then `close`. An error in the first three fails the worker's
 * start with that error as the root cause.
 */
export abstract class Executor<Options = JsonObject> {
  /** Marks executor classes, so that a class made with another copy of the package is known for what it is. */
  static readonly [executorBrand] = true;
  /** Checks `uses_with` before anything is loaded; without it the options are passed as they are. */
  static readonly options?: OptionsSchema<unknown>;
  /** `exclusive`: the executor owns its workspace; replicas are refused and the workspace is locked. Default `none`. */
  static readonly state?: 'none' | 'exclusive';
  /** Batches that one worker runs at the same time; default 1. More only for executors that wait for something else. */
  static readonly concurrency?: number;
  /** Endpoints without decorators: endpoint name to method and settings. */
  static readonly endpoints?: EndpointTable;

  /** What `uses_with` gave, checked by `static options`. */
  readonly options: Options;
  readonly context: ExecutorContext;

  constructor(options: Options, context: ExecutorContext) {
    this.options = options;
    this.context = context;
  }

  /** Loads what requests need: models, files, connections. */
  init?(): Promise<void> | void;
  /** Runs the model once or more, so that the first request is as fast as the others; may measure its costs. */
  warmup?(): Promise<CostCalibration | void> | CostCalibration | void;
  /** Called after the last request, before the process ends. */
  close?(): Promise<void> | void;
}

/** What an endpoint's method may return; undefined means: the documents it was given, changed in place. */
export type EndpointResult = DocumentArray | JsonObject | undefined | void;
