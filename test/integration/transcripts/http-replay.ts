import { setTimeout as sleep } from 'node:timers/promises';
import { parseAnswer, sendRaw } from '../../unit/gateway/running-gateway.ts';
import { withoutChance } from './comparison.ts';
import type { HttpExchange } from './transcript.ts';

/** What Jina answered and what we answer, in one form. */
export interface Replayed {
  readonly jina: unknown;
  readonly sluice: unknown;
}

/** Sends all exchanges as they were sent, at their times where those were recorded, on a connection each. */
export async function replayHttp(port: number, exchanges: readonly HttpExchange[], note: string): Promise<Replayed[]> {
  const [first] = exchanges;
  const isTimed = first?.sent_at_ms !== undefined;
  const replayed: Promise<Replayed>[] = [];
  for (const exchange of exchanges) {
    // One after another where no times are known, but for the pause that the note of such a file speaks of.
    if (isTimed) await sleep((exchange.sent_at_ms ?? 0) - (exchanges[replayed.length - 1]?.sent_at_ms ?? Infinity));
    else if (replayed.length > 0)
      await Promise.all(replayed).then(() => sleep(note.includes('500 ms later') ? 500 : 0));
    replayed.push(replayOne(port, exchange, note));
  }
  return Promise.all(replayed);
}

async function replayOne(port: number, { request, response, took_ms }: HttpExchange, note: string): Promise<Replayed> {
  const body = typeof request.body === 'string' ? request.body : (request.body.text ?? '');
  const headers = Array.isArray(request.headers)
    ? (request.headers as [string, string][])
    : Object.entries(request.headers);
  const lines = [...headers.filter(([name]) => name !== 'Host'), ['Host', 'gateway'], ['Connection', 'close']];
  const startMs = performance.now();
  const answer = await sendRaw(
    port,
    `${[request.line, ...lines.map((line) => line.join(': '))].join('\r\n')}\r\n\r\n${body}`,
  );
  const tookMs = performance.now() - startMs;
  const theirs = parseAnswer(`${response.line}\r\n\r\n`);
  const bodyText = typeof response.body === 'string' ? response.body : response.body?.text;
  const isPlaceholder = bodyText?.startsWith('(the document of') === true;
  const isTimer = note.includes('a single document');
  const ours = {
    status: answer.status,
    headers: headersOf([...answer.headers], Buffer.byteLength(answer.body)),
    ...content(answer.body),
    ...(isTimer && { waitedForTheTimer: tookMs >= 195 && answer.body.includes('"batch":1') }),
  };
  const json = response.json ?? (typeof response.body === 'object' ? response.body.json : undefined);
  const jina = {
    status: response.status === null ? null : theirs.status,
    headers: headersOf(response.headers, undefined),
    // Recordings of clients do not repeat the page.
    ...(isPlaceholder ? content(answer.body) : json === undefined ? content(bodyText ?? '') : { json }),
    ...(isTimer && { waitedForTheTimer: (took_ms ?? 0) >= 195 }),
  };
  return { jina: { response: withoutChance(jina, body) }, sluice: { response: withoutChance(ours, body) } };
}

function content(body: string): { json?: unknown; body?: string } {
  return /^\s*[[{]/.test(body) ? { json: JSON.parse(body) as unknown } : { body };
}

/** Headers by lower-case name; a length that fits the body, and what depends on the moment, say nothing. */
function headersOf(headers: readonly (readonly [string, string])[], bodyBytes: number | undefined): object {
  const entries = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(
    entries
      .filter(([name, value]) => !(name === 'content-length' && (bodyBytes ?? Number(value)) === Number(value)))
      .filter(([name]) => name !== 'date' && name !== 'connection'),
  );
}
