import { FlowError } from '../core/index.ts';
import { loadFlow } from '../flows/index.ts';
import { type RunningFlow, startFlow } from '../index.ts';
import { exitCodes } from './exit-code.ts';
import type { Output } from './output.ts';
import { seconds, showWorkerProgress } from './worker-progress.ts';
