import { createRequire } from 'node:module';
import { Command, InvalidArgumentError, Option } from 'commander';
import { isObject, type JsonObject, parseDuration } from '../core/index.ts';
import type { CallOptions } from './call.ts';
import type { CheckOptions } from './check.ts';
import type { EndpointTypesOptions } from './endpoint-types.ts';
import type { EvaluateOptions } from './evaluate.ts';
import { exitCodes } from './exit-code.ts';
import type { IndexOptions } from './index-job.ts';
import { logLevels, Output, type OutputOptions } from './output.ts';
import type { PingOptions } from './ping.ts';
import type { PlanOptions } from './plan.ts';
import type { TopOptions } from './top.ts';

/** Runs a command and says the exit status; an error that it throws is printed and decides the status. */
export type RunCommand = (output: Output, work: () => Promise<number>) => Promise<void>;

const defaultHost = 'http://127.0.0.1:51000';

/** The command line of `sluice`; each command is loaded when it is used. */
export function createProgram(run: RunCommand): Command {
  const program = new Command('sluice')
    .description('Runs flows of executors declared in YAML.')
    .version(packageVersion(), '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Print help.')
    .helpCommand('help [command]', 'Print the help of a command.')
    .option('--json', 'Write one JSON object per line on stdout, for machines.', false)
    .addOption(
      new Option('--log-level <level>', 'Least level of the log on stderr.').choices(logLevels).default('warn'),
    )
    .option('--no-color', 'Write without colors; the same as setting NO_COLOR.')
    .addHelpText('after', exitCodeHelp)
    .exitOverride();

  const act = (work: (output: Output) => Promise<number>): Promise<void> => {
    const output = new Output(program.opts<OutputOptions>(), process.env);
    return run(output, () => work(output));
  };

  program
    .command('up <flow>')
    .description('Run a flow until SIGINT or SIGTERM; a second signal ends it at once.')
    .action((flow: string) => act(async (output) => (await import('./up.ts')).up(output, flow)));
  program
    .command('check <flow>')
    .description('Find every fault of a flow file and its executors, without starting it.')
    .option('--no-executors', 'Check the flow file alone; import no executor.')
    .action((flow: string, options: CheckOptions) =>
      act(async (output) => (await import('./check.ts')).check(output, flow, options)),
    );
  program
    .command('plan <flow>')
    .description('Print what a flow file means, all defaults filled in.')
    .option('--mermaid', 'Print the graph as a Mermaid flowchart.', false)
    .action((flow: string, options: PlanOptions) =>
      act(async (output) => (await import('./plan.ts')).plan(output, flow, options)),
    );
  program
    .command('types <flow>')
    .description('Write the TypeScript type of the flow for a typed client.')
    .option('-o, --output <file>', 'File to write; stdout without it.')
    .action((flow: string, options: EndpointTypesOptions) =>
      act(async (output) => (await import('./endpoint-types.ts')).endpointTypes(output, flow, options)),
    );
  program
    .command('schema')
    .description('Print the JSON Schema of flow files, for editors.')
    .action(() => act(async (output) => (await import('./schema.ts')).schema(output)));
  addCall(program, act);
  addEvaluate(program, act);
  addIndex(program, act);
  program
    .command('ping')
    .description('Ask whether a running flow is ready.')
    .option(
      '--host <url>',
      'Address of the flow: http://, grpc:// or ws://, and https://, grpcs:// or wss://.',
      defaultHost,
    )
    .option('--timeout <duration>', 'Wait up to this long until it is ready.', parseTimeout)
    .action((options: PingOptions) => act(async (output) => (await import('./ping.ts')).ping(output, options)));
  program
    .command('top')
    .description('Watch a running flow: rates, latencies, queues and workers.')
    .option('--host <url>', 'Address of the flow.', defaultHost)
    .option('--interval <duration>', 'Time between two looks.', parseTimeout, 1000)
    .option('--count <number>', 'End after this many looks.', parseCount)
    .action((options: TopOptions) => act(async (output) => (await import('./top.ts')).top(output, options)));
  return program;
}

function addCall(program: Command, act: (work: (output: Output) => Promise<number>) => Promise<void>): void {
  program
    .command('call <endpoint> [text...]')
    .description('Send one request to a running flow; each text is a document.')
    .option(
      '--host <url>',
      'Address of the flow: http://, grpc:// or ws://, and https://, grpcs:// or wss://.',
      defaultHost,
    )
    .option('--parameters <json>', 'Parameters of the request.', parseParameters)
    .option('--target <regex>', 'Only executors whose name this matches.')
    .option('--file <path>', 'Add a document with the bytes of this file; may be given several times.', append, [])
    .option('--stream', 'Call a streaming endpoint and print documents as they come.', false)
    .option('--timeout <duration>', 'Longest wait for the answer, such as 500ms or 10s.', parseTimeout)
    .option('--priority <number>', 'Larger is more urgent.', parsePriority, 0)
    .action((endpoint: string, texts: string[], options: CallOptions) =>
      act(async (output) => (await import('./call.ts')).call(output, endpoint, texts, options)),
    );
}

function addEvaluate(program: Command, act: (work: (output: Output) => Promise<number>) => Promise<void>): void {
  program
    .command('evaluate [flow]')
    .description(
      'Measure what a flow finds: recall, MRR, nDCG and MAP. The flow is a file, started with an empty index for the ' +
        'run, or the address of one that runs; without it the run file is measured.',
    )
    .requiredOption('--qrels <file>', 'Judgements, as BEIR or TREC have them.')
    .option('--corpus <file>', 'Texts to index first, lines of JSON with _id, title and text.')
    .option('--queries <file>', 'Queries, lines of JSON with _id and text; those without judgement are not asked.')
    .option('--at <numbers>', 'Depths to measure at.', parseDepths, [1, 5, 10])
    .option('--run <file>', 'Keep what is found in this TREC file; queries that it has are not asked again.')
    .option('--compare <file>', 'Compare with another TREC file by a paired bootstrap over the queries.')
    .option('--fields <names>', 'Fields of the corpus that are indexed.', parseList, ['title', 'text'])
    .option('--parameters <json>', 'Parameters of each search.', parseParameters)
    .option('--timeout <duration>', 'Longest wait for one answer; 10 minutes without it.', parseTimeout)
    .action((flow: string | undefined, options: EvaluateOptions) =>
      act(async (output) => (await import('./evaluate.ts')).evaluate(output, flow, options)),
    );
}

function addIndex(program: Command, act: (work: (output: Output) => Promise<number>) => Promise<void>): void {
  program
    .command('index <flow> <input>')
    .description(
      'Send a folder of pictures, JSON lines or CSV to a flow: a flow file, run for the job, or the URL of a running ' +
        'one. A job that was ended goes on where it was when it is started again.',
    )
    .addOption(
      new Option('--format <format>', 'What the input is; default by its name.').choices(['pictures', 'jsonl', 'csv']),
    )
    .option('--endpoint <endpoint>', 'Endpoint of the flow.', '/index')
    .option('--parameters <json>', 'Parameters of each request.', parseParameters)
    .option('--id <column>', 'Column of the id; a row without one gets one from its file name and line.', 'id')
    .option('--text <column>', 'Column of the text.', 'text')
    .option('--uri <column>', 'Column of the URI.', 'uri')
    .option('--tags <columns>', 'Columns that become tags, with commas between; default all others.', parseList)
    .option('--batch-size <rows>', 'Most rows of one request.', parseCount, 64)
    .option('--concurrency <requests>', 'Requests on their way at the same time.', parseCount, 4)
    .option('--timeout <duration>', 'Longest wait for the answer to one request.', parseTimeout)
    .option('--bad-rows <file>', 'Report of the rows that were left out; default beside the state.')
    .option('--state <file>', 'Where the job got to; default in .sluice beside the flow file, or here for a URL.')
    .option('--restart', 'Begin with the first row, whatever the state says.', false)
    .action((flow: string, input: string, options: IndexOptions) =>
      act(async (output) => (await import('./index-job.ts')).indexRows(output, flow, input, options)),
    );
}

function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('sluice/package.json');
  return isObject(manifest) ? String(manifest['version']) : '';
}

function exitCodeHelp(): string {
  const rows = Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning}`);
  return `\nExit status:\n${rows.join('\n')}`;
}

function parseParameters(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  if (!isObject(value)) throw new InvalidArgumentError('A JSON object is expected.');
  return value as JsonObject;
}

function parseTimeout(text: string): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs === undefined) throw new InvalidArgumentError('A duration such as 500ms, 10s or 2m is expected.');
  return timeoutMs;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('A whole number from 1 on is expected.');
  return count;
}

function parseDepths(text: string): number[] {
  const depths = text.split(',').map(Number);
  if (!depths.every((depth) => Number.isInteger(depth) && depth >= 1)) {
    throw new InvalidArgumentError('Whole numbers of at least 1, such as 1,5,10, are expected.');
  }
  return depths;
}

function parsePriority(text: string): number {
  const priority = Number(text);
  if (!Number.isInteger(priority)) throw new InvalidArgumentError('A whole number is expected.');
  return priority;
}

function parseList(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function append(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
