import { CommanderError } from 'commander';
import { FlowError, type Reason } from '../core/index.ts';

/** What the exit status of `sluice` says; `--help` and docs/reference/cli.md list it. */
export const exitCodes = {
  ok: { code: 0, meaning: 'It worked; for `up`: the flow was stopped and every accepted request was answered.' },
  failure: { code: 1, meaning: 'The work failed: a request, the start of a flow, a file that could not be written.' },
  usage: { code: 2, meaning: 'The command line is wrong: an unknown command or option, a value that does not fit.' },
  invalidFlow: { code: 3, meaning: 'The flow file has faults, or `check` found some in an executor; all are listed.' },
  unreachable: { code: 4, meaning: 'The service cannot be reached or is not ready.' },
  badRows: { code: 5, meaning: 'The job is done, but some rows were left out; they are listed in a file.' },
  interrupted: { code: 130, meaning: 'Ended by SIGINT (Ctrl-C) before the work was done.' },
  terminated: { code: 143, meaning: 'Ended by SIGTERM before the work was done.' },
} as const;

const codeOfReason: Partial<Record<Reason, number>> = {
  invalid_flow: exitCodes.invalidFlow.code,
  connection_failed: exitCodes.unreachable.code,
};

/** The exit status for an error that ends a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  const code = error instanceof FlowError ? codeOfReason[error.reason] : undefined;
  return code ?? exitCodes.failure.code;
}
