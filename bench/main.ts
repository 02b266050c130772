import { parseArgs } from 'node:util';
import { FlowError } from '../core/index.ts';
import { echoScenario } from './echo-scenario.ts';
import { embedScenario } from './embed-scenario.ts';
import { indexScenario } from './index-scenario.ts';
import { circumstances, formatScenario, writeReport } from './report.ts';
import { type BenchMode, benchModes, type Progress, type ScenarioReport, withRounds } from './scenario.ts';
import { servedScenario } from './served-scenario.ts';
import { stopServicesOnExit } from './service.ts';
import { startupScenario } from './startup-scenario.ts';
import { tracingScenario } from './tracing-scenario.ts';

/**
 * `npm run bench [-- [--quick] [--rounds N] [scenario ...]]`: all scenarios, or those that are named.
 *
 * Tables go to standard output, progress to standard error, every measurement to bench/results/. Ends with 1 when an
 * answer was wrong or missing; a missed target is shown and changes nothing.
 */
const scenarios: Readonly<Record<string, (mode: BenchMode, progress: Progress) => Promise<ScenarioReport>>> = {
  echo: echoScenario,
  startup: startupScenario,
  embed: embedScenario,
  tracing: tracingScenario,
  served: servedScenario,
  index: indexScenario,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
  });
  const names = positionals.length === 0 ? Object.keys(scenarios) : positionals;
  const mode = withRounds(values.quick ? benchModes.quick : benchModes.full, values.rounds);
  stopServicesOnExit();
  const where = circumstances(mode);
  print(`${where.machine.cpu}, ${where.machine.cores} cores, node ${where.node}, commit ${where.commit.slice(0, 12)}`);
  const reports: ScenarioReport[] = [];
  for (const name of names) {
    const scenario = scenarios[name];
    if (scenario === undefined) {
      throw new FlowError('invalid_argument', `expected ${Object.keys(scenarios).join(', ')}, got ${name}`);
    }
    const report = await scenario(mode, (line) => process.stderr.write(`  ${line}\n`));
    reports.push(report);
    print(`\n## ${name}\n\n${formatScenario(report)}`);
  }
  print(`\nevery measurement: ${writeReport(where, reports)}`);
  process.exitCode = reports.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
