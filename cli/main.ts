import { CommanderError } from 'commander';
import { exitCodeOf } from './exit-code.ts';
import { createProgram } from './program.ts';

// A reader that has seen enough (`sluice plan flow.yml | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const program = createProgram(async (output, work) => {
  try {
    process.exitCode = await work();
  } catch (error) {
    output.error(error);
    process.exitCode = exitCodeOf(error);
  }
});

try {
  await program.parseAsync();
} catch (error) {
  // Commander has told what is wrong with the command line, or printed the help that was asked for.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = exitCodeOf(error);
}
