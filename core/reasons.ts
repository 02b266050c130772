/** The closed set of error codes; the same as gRPC's, in lower case. */
export type ErrorCode =
  | 'cancelled'
  | 'unknown'
  | 'invalid_argument'
  | 'deadline_exceeded'
  | 'not_found'
  | 'already_exists'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'failed_precondition'
  | 'aborted'
  | 'out_of_range'
  | 'unimplemented'
  | 'internal'
  | 'unavailable'
  | 'data_loss'
  | 'unauthenticated';

interface ReasonEntry {
  readonly code: ErrorCode;
  /** Whether the same request may succeed when it is sent again later. */
  readonly retryable: boolean;
  readonly meaning: string;
}

/** Every reason an error of ours can have. Stable strings: clients switch on them; docs/reference/errors.md lists them. */
export const reasons = {
  // the request
  invalid_argument: { code: 'invalid_argument', retryable: false, meaning: 'A field has the wrong type or value.' },
  malformed_json: { code: 'invalid_argument', retryable: false, meaning: 'The body is not JSON.' },
  unsupported_media_type: {
    code: 'invalid_argument',
    retryable: false,
    meaning: 'The body has a content type that is not served.',
  },
  request_too_large: {
    code: 'resource_exhausted',
    retryable: false,
    meaning: 'The request is larger than the limit in force.',
  },
  unknown_path: { code: 'not_found', retryable: false, meaning: 'The gateway has no such path.' },
  method_not_allowed: { code: 'unimplemented', retryable: false, meaning: 'The path does not take this method.' },
  unknown_endpoint: {
    code: 'not_found',
    retryable: false,
    meaning: 'No executor that the request may reach binds the endpoint or a default endpoint.',
  },
  unknown_target: { code: 'not_found', retryable: false, meaning: 'target_executor matches no executor of the flow.' },
  unknown_model: {
    code: 'not_found',
    retryable: false,
    meaning: 'The request names a model that the flow does not serve.',
  },
  document_not_found: { code: 'not_found', retryable: false, meaning: 'The index has no document with the id.' },
  streaming_endpoint: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'The endpoint answers with a stream and was called for a single answer, or the other way round.',
  },
  // load and time
  queue_full: { code: 'resource_exhausted', retryable: true, meaning: 'A queue has reached its bound.' },
  too_many_batch_keys: {
    code: 'resource_exhausted',
    retryable: true,
    meaning: 'Too many different parameter sets are queued for one endpoint.',
  },
  deadline_exceeded: {
    code: 'deadline_exceeded',
    retryable: true,
    meaning: 'The deadline of the request passed before its answer.',
  },
  cancelled: { code: 'cancelled', retryable: true, meaning: 'The caller went away or cancelled the request.' },
  draining: { code: 'unavailable', retryable: true, meaning: 'The service is shutting down and takes no new request.' },
  not_ready: { code: 'unavailable', retryable: true, meaning: 'The flow is still starting.' },
  // executors and workers
  executor_error: { code: 'unknown', retryable: false, meaning: 'The executor threw an error for this request.' },
  wrong_count: {
    code: 'internal',
    retryable: false,
    meaning: 'The executor returned another number of documents than it was given.',
  },
  invalid_result: {
    code: 'internal',
    retryable: false,
    meaning: 'The executor returned something that is not a result.',
  },
  invalid_executor: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'The executor cannot be used as it is declared.',
  },
  executor_load_failed: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'The executor failed while it was imported, constructed, initialised or warmed up.',
  },
  executor_unavailable: {
    code: 'unavailable',
    retryable: true,
    meaning: 'No worker of the executor is running and it is not being restarted any more.',
  },
  worker_crashed: {
    code: 'unavailable',
    retryable: true,
    meaning: 'The worker process died while it worked on the request.',
  },
  worker_start_timeout: {
    code: 'deadline_exceeded',
    retryable: true,
    meaning: 'A worker made no progress while it started.',
  },
  workspace_in_use: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'Another process holds the lock of the workspace.',
  },
  workspace_mismatch: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'The workspace holds an index of another model, dimension, metric or number of shards.',
  },
  out_of_memory: { code: 'resource_exhausted', retryable: false, meaning: 'The request does not fit into memory.' },
  // files, start-up, connections
  invalid_flow: { code: 'invalid_argument', retryable: false, meaning: 'The flow file has faults.' },
  file_not_found: { code: 'not_found', retryable: false, meaning: 'A file or folder that is needed is not there.' },
  model_unavailable: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'A model is neither on this machine nor could it be fetched.',
  },
  device_unavailable: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'A device that was asked for by name, such as a GPU, is not there or cannot be used.',
  },
  port_in_use: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'Another process listens on the port.',
  },
  connection_failed: { code: 'unavailable', retryable: true, meaning: 'The connection could not be made or broke.' },
  protocol_error: {
    code: 'internal',
    retryable: false,
    meaning: 'The other side of a connection sent something that is not in its protocol.',
  },
  callback_failed: {
    code: 'unknown',
    retryable: false,
    meaning: 'A callback that was given to the client threw an error.',
  },
  version_mismatch: {
    code: 'failed_precondition',
    retryable: false,
    meaning: 'Parent and worker speak no common version of the worker protocol.',
  },
  internal: { code: 'internal', retryable: false, meaning: 'An invariant of Sluice is broken; this is a bug.' },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof reasons;

/** Whether `text` is a registered reason. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(reasons, text);
}
