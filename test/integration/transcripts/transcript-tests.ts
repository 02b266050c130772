import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Difference, differencesOf } from './comparison.ts';
import { replayGrpc } from './grpc-replay.ts';
import { type Replayed, replayHttp } from './http-replay.ts';
import { covers, filesOf, readNamedDifferences } from './named-differences.ts';
import { RecordedFlows } from './recorded-flows.ts';
import { replayMetrics, TraceReplay } from './telemetry-replay.ts';
import {
  type GrpcExchange,
  type HttpExchange,
  loadTranscripts,
  missingTranscripts,
  type Transcript,
  type WebSocketExchange,
} from './transcript.ts';
import { replayWebSocket } from './websocket-replay.ts';

const transcripts = loadTranscripts();
const names = transcripts.map(({ name }) => name);
const known = missingTranscripts === false ? readNamedDifferences() : [];

type Group = 'http' | 'grpc' | 'websocket' | 'telemetry';

function groupOf({ name, exchanges: [first] }: Transcript): Group {
  if (first === undefined || name.startsWith('traces_')) return 'telemetry';
  if ('method' in first) return 'grpc';
  return 'handshake' in first ? 'websocket' : 'http';
}

/** The flow that a transcript is replayed against. */
function flowOf({ name, flow, note }: Transcript): string {
  if (name.startsWith('traces_')) return 'traced';
  return name.includes('executor_down') ? 'down' : note.startsWith('timeout_send') ? 'timeout' : flow;
}

async function replay(transcript: Transcript, port: number, traces: TraceReplay): Promise<Replayed[]> {
  const { name, note, exchanges } = transcript;
  // Jina's index had been filled over another protocol before.
  const again = /^clip_client_(?:http|ws)_search$/.test(name) ? name.replace('search', 'index') : undefined;
  const filling = transcripts.find((one) => one.name === again);
  if (filling !== undefined) await replay(filling, port, traces);
  if (name.startsWith('traces_')) return traces.replay(port, transcript);
  const [first] = exchanges;
  if (first === undefined) return replayMetrics(port, transcript);
  if ('method' in first) return replayGrpc(port, exchanges as GrpcExchange[], name);
  if ('handshake' in first) return replayWebSocket(port, exchanges as WebSocketExchange[]);
  return replayHttp(port, exchanges as HttpExchange[], note);
}

/** Names of the differences of a transcript, and those that have none. */
function nameDifferences(name: string, found: readonly Difference[]): { named: string[]; unnamed: Difference[] } {
  const rows = known.filter((row) => filesOf(row, names).includes(name));
  return {
    named: rows.filter((row) => found.some((difference) => covers(row, difference))).map((row) => row.name),
    unnamed: found.filter((difference) => !rows.some((row) => covers(row, difference))),
  };
}

/** Declares a test for each transcript of a group; every transcript is in one. */
export function testTranscripts(group: Group): void {
  describe(`what Jina 3.34 was recorded to answer: ${group}`, { skip: missingTranscripts }, () => {
    const flows = new RecordedFlows();
    let traces: TraceReplay;

    before(async () => {
      traces = await TraceReplay.prepare();
    });
    after(async () => {
      await flows.stop();
      await traces.stop();
    });

    for (const transcript of transcripts.filter((one) => groupOf(one) === group)) {
      const { name } = transcript;
      const listed = known.filter((row) => filesOf(row, names).includes(name)).map((row) => row.name);
      const title = listed.length === 0 ? 'in every field' : `but for: ${listed.join('; ')}`;
      it(`is answered alike in ${name} ${title}`, async () => {
        const port = await flows.port(flowOf(transcript));
        const replayed = await replay(transcript, port, traces);
        const found = replayed.flatMap(({ jina, sluice }) => differencesOf(jina, sluice));
        const { named, unnamed } = nameDifferences(name, found);
        assert.deepEqual(unnamed, [], 'differences that docs/jina-compatibility.md does not name');
        assert.deepEqual(named, listed, 'differences that it names and that are none');
      });
    }
  });
}
