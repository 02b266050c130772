export { exitCodes } from './exit-code.ts';
export { createProgram, type RunCommand } from './program.ts';
