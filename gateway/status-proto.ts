import type { FlowError, Reason } from '../core/index.ts';

/** Jina's StatusProto of a failure, as JSON and protobuf carry it. */
export interface StatusProto {
  code: 1;
  description: string;
  exception: { name: string; args: string[]; stacks: string[]; executor: string };
}

/** Failures of an executor while it worked on the request, as opposed to not being reached. */
const executorReasons: ReadonlySet<Reason> = new Set<Reason>(['executor_error', 'wrong_count', 'invalid_result']);

/** Whether the executor itself failed; Jina's clients get such an error in a 200. */
export function isExecutorFault(error: FlowError): boolean {
  return executorReasons.has(error.reason) || (error.exception !== undefined && error.exception.executor !== '');
}

/** Jina's StatusProto for an error: the executor's own exception, or our reason in its place. Stacks are never sent. */
export function statusProto(error: FlowError): StatusProto {
  const thrown = error.exception;
  if (thrown !== undefined && isExecutorFault(error)) {
    const { name, args, executor } = thrown;
    const description = `${name}(${args.map(pythonRepr).join(', ')})`;
    return { code: 1, description, exception: { name, args: [...args], stacks: [], executor } };
  }
  const { reason, message } = error;
  const exception = { name: reason, args: [message], stacks: [], executor: '' };
  return { code: 1, description: message, exception };
}

/** Text as Python shows it in `repr()`: clients compare the description of an error with what they know from there. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return quote + escaped + quote;
}
