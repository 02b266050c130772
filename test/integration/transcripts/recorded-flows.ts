import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AddOptions, Flow, type FlowOptions } from '../../../flows/index.ts';
import { type RunningFlow, startFlow } from '../../../running-flow.ts';
import { postJson } from '../../unit/gateway/running-gateway.ts';

const fixture = (file: string): string =>
  fileURLToPath(new URL(`../../fixtures/executors/recorded/${file}`, import.meta.url));
const single = { pyModules: [fixture('single.ts')] };
const graph = { pyModules: [fixture('graph.ts')] };

const encoder: AddOptions = { name: 'encoder', uses: 'Encoder', ...single, concurrency: 4 };
const upper: AddOptions = { name: 'upper', uses: 'Upper', ...graph };
const exposed = { exposeEndpoints: { '/encode': { methods: ['POST'] }, '/fail': { methods: ['POST'] } } };

/** The flows that were recorded, with executors that do the same. */
const flows: Readonly<Record<string, readonly [FlowOptions, ...AddOptions[]]>> = {
  single: [exposed, encoder],
  timeout: [{ ...exposed, timeoutSend: 300 }, encoder],
  echo: [{}, { name: 'echo', uses: 'Echo' }],
  chain: [{}, upper, encoder],
  traced: [{ tracing: true }, upper, encoder],
  fanout: [
    {},
    { name: 'upper', uses: 'FanoutUpper', ...graph },
    { name: 'left', uses: 'Branch', ...graph, needs: ['upper'] },
    { name: 'right', uses: 'Branch', ...graph, needs: ['upper'] },
    { name: 'join', uses: 'Join', ...graph, needs: ['left', 'right'] },
  ],
  results: [{}, { name: 'results', uses: 'Results', ...graph }, { name: 'echo', uses: 'Echo' }],
  batch: [{}, { name: 'encoder', uses: 'BatchEncoder', ...graph }],
  stream: [{}, { name: 'streamer', uses: 'Streamer', ...graph }],
  clip: [{}, { name: 'clip', uses: 'Clip', pyModules: [fixture('clip.ts')] }],
};

/** Starts each flow when it is first asked for; all are stopped together. */
export class RecordedFlows {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'sluice-transcripts-'));
  readonly #running = new Map<string, Promise<RunningFlow>>();

  /** The port of a flow; `down` is `chain` whose second executor is gone for good. */
  async port(name: string): Promise<number> {
    const [url = ''] = (await this.#flow(name)).urls;
    return Number(new URL(url).port);
  }

  async stop(): Promise<void> {
    const running = await Promise.all(this.#running.values());
    await Promise.all(running.map((flow) => flow.stop()));
    rmSync(this.#folder, { recursive: true });
  }

  #flow(name: string): Promise<RunningFlow> {
    const known = this.#running.get(name);
    const flow = known ?? (name === 'down' ? this.#down() : this.#start(name));
    this.#running.set(name, flow);
    return flow;
  }

  #start(name: string, changes: FlowOptions = {}): Promise<RunningFlow> {
    const recorded = flows[name];
    if (recorded === undefined) throw new Error(`no flow ${name} was recorded`);
    const [options, ...executors] = recorded;
    const shared: FlowOptions = { name, port: 0, protocol: ['http', 'grpc', 'websocket'], workspace: this.#folder };
    return startFlow(
      executors.reduce((flow, item) => flow.add(item), Flow.create({ ...shared, ...options, ...changes })),
    );
  }

  async #down(): Promise<RunningFlow> {
    const file = path.join(this.#folder, 'down');
    const flow = await this.#start('chain', { env: { RECORDED_DOWN: file } });
    writeFileSync(file, '');
    const worker = flow.status().executors.find(({ name }) => name === 'encoder')?.workers[0];
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    // Each new start fails; what is sent meanwhile waits until the executor is given up.
    const ask = () => postJson(`${flow.urls[0] ?? ''}/post`, { execEndpoint: '/encode' });
    while ((await ask()).status !== 503);
    return flow;
  }
}
