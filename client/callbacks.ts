import { FlowError } from '../core/index.ts';
import type { ClientResponse } from './response.ts';

/** What is called with each answer, one after another; a promise is waited for. */
export interface ResponseCallbacks {
  /** For an answer without error. */
  onDone?: (response: ClientResponse) => unknown;
  /** For an answer with `error`, which is then not thrown. */
  onError?: (response: ClientResponse) => unknown;
  /** After the other two, for every answer. */
  onAlways?: (response: ClientResponse) => unknown;
  /** Whether to go on after an error or a failing callback; default false. */
  continueOnError?: boolean;
}

/** @throws the answer's error when nobody takes it; `callback_failed` */
export async function deliver(response: ClientResponse, callbacks: ResponseCallbacks): Promise<void> {
  const { onDone, onError, onAlways, continueOnError = false } = callbacks;
  if (response.error === undefined) await call('onDone', onDone, response, continueOnError);
  else if (onError !== undefined) await call('onError', onError, response, continueOnError);
  else if (!continueOnError) throw response.error;
  await call('onAlways', onAlways, response, continueOnError);
}

async function call(
  name: string,
  callback: ((response: ClientResponse) => unknown) | undefined,
  response: ClientResponse,
  continueOnError: boolean,
): Promise<void> {
  try {
    await callback?.(response);
  } catch (error) {
    const failure = FlowError.from(error, 'callback_failed', `${name} failed for request ${response.requestId}`);
    if (!continueOnError) throw failure;
    console.warn(failure.message);
  }
}
