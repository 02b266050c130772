import { parseArgs } from 'node:util';
import { echoScenario, type Peer } from './echo-scenario.ts';
import { pythonOf } from './python-venv.ts';
import { circumstances, formatScenario, writeReport } from './report.ts';
import { markPlaceholder } from './request-body.ts';
import { benchModes, withRounds } from './scenario.ts';
import { freePort, type ServiceSpec, stopServicesOnExit } from './service.ts';
import { startupScenario } from './startup-scenario.ts';
import { benchPath, shortDocument } from './subjects.ts';

/**
 * `npm run bench:peers [-- [--quick] [--rounds N] [--python python3.11]]`: the echo and start-up scenarios with the real Jina and
 * LitServe in the same rounds, each in a virtual environment with exact pins (bench/peers/*.txt).
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      python: { type: 'string', default: 'python3' },
    },
  });
  const mode = withRounds(values.quick ? benchModes.quick : benchModes.full, values.rounds);
  const progress = (line: string): boolean => process.stderr.write(`  ${line}\n`);
  stopServicesOnExit();
  const where = circumstances(mode);
  const jinaPython = pythonOf('jina', values.python, progress);
  const litservePython = pythonOf('litserve', values.python, progress);
  const jinaBody = shortDocument('/echo');
  const litserveBody = JSON.stringify({ data: [{ text: `a small request: ${markPlaceholder}` }] });
  const jina = (port: number): ServiceSpec => ({
    name: 'Jina 3.34.0',
    command: jinaPython,
    args: [benchPath('peers/jina_echo.py'), String(port)],
    env: { JINA_OPTOUT_TELEMETRY: '1', PYTHONUNBUFFERED: '1' },
    port,
    path: '/post',
    probe: jinaBody,
    readyLine: /ready to serve/,
  });
  const litserve = (port: number): ServiceSpec => ({
    name: 'LitServe 0.2.19',
    command: litservePython,
    args: [benchPath('peers/litserve_echo.py'), String(port)],
    port,
    path: '/predict',
    probe: litserveBody,
  });
  const peers: Peer[] = [
    { spec: jina(await freePort()), body: jinaBody },
    { spec: litserve(await freePort()), body: litserveBody },
  ];
  const reports = [await echoScenario(mode, progress, peers), await startupScenario(mode, progress, [jina, litserve])];
  for (const report of reports) process.stdout.write(`\n## ${report.name}\n\n${formatScenario(report)}\n`);
  process.stdout.write(`\nevery measurement: ${writeReport(where, reports)}\n`);
  process.exitCode = reports.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

await main();
