import { withoutChance } from './comparison.ts';
import type { Replayed } from './http-replay.ts';
import { knowsEveryField, readMessage } from './messages.ts';
import type { WebSocketExchange, WebSocketFrame } from './transcript.ts';
import { type Received, WebSocketConnection } from './websocket-connection.ts';

/** Opens each connection as it was opened, sends its frames, and waits for as many frames as Jina sent. */
export async function replayWebSocket(port: number, exchanges: readonly WebSocketExchange[]): Promise<Replayed[]> {
  const replayed: Replayed[] = [];
  for (const exchange of exchanges) replayed.push(await replayOne(port, exchange));
  return replayed;
}

async function replayOne(port: number, exchange: WebSocketExchange): Promise<Replayed> {
  const { handshake } = exchange;
  const frames = exchange.frames ?? alternating(exchange);
  const sent = frames.filter(({ from }) => from === 'client').map(payloadOf);
  const isMessage = handshake.request.line.includes(' / ');
  const theirFrames = frames.filter(({ from }) => from === 'server').map((frame) => theirFrame(frame, isMessage));
  const connection = new WebSocketConnection(port);
  try {
    const { headers } = handshake.request;
    const list = Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers);
    const head = await connection.open(
      handshake.request.line,
      list.filter(([name]) => name !== 'Host'),
    );
    const ours: unknown[] = [];
    for (const frame of frames) {
      if (frame.from === 'client') connection.send(opcodeOf(frame), payloadOf(frame));
      else if (frame.opcode !== undefined || frame.event !== undefined) {
        ours.push(
          ourFrame(await connection.receive(frame.event?.startsWith('nothing') === true ? 300 : 5000), isMessage),
        );
      } else ours.push({ body: '' });
    }
    const request = Buffer.concat(sent).toString('latin1');
    return {
      jina: withoutChance(
        { ...headOf([handshake.response.line], handshake.response.headers), frames: theirFrames },
        request,
      ),
      sluice: withoutChance({ ...headOf(head, readHeaders(head), connection.accept), frames: ours }, request),
    };
  } finally {
    connection.destroy();
  }
}

/** Recordings of clients have the frames of each side: everything sent, then what came, then the client's close. */
function alternating({ client_frames: client = [], server_frames: server = [] }: WebSocketExchange): WebSocketFrame[] {
  const isClose = ({ opcode }: WebSocketFrame): boolean => opcode === 'close';
  return [
    ...client.filter((frame) => !isClose(frame)).map((frame) => ({ ...frame, from: 'client' as const })),
    ...server.map((frame) => ({ ...frame, from: 'server' as const })),
  ];
}

function opcodeOf({ opcode }: WebSocketFrame): 'text' | 'binary' | 'close' {
  return opcode === 'text' || opcode === 'close' ? opcode : 'binary';
}

function payloadOf({ opcode, text, base64, message, code = 1000, reason = '' }: WebSocketFrame): Buffer {
  if (opcode === 'close') return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
  return text === undefined ? Buffer.from(base64 ?? message?.base64 ?? '', 'base64') : Buffer.from(text);
}

function theirFrame(frame: WebSocketFrame, isMessage: boolean): unknown {
  if (frame.event !== undefined) return { ending: frame.event.startsWith('nothing') ? 'nothing' : 'ended' };
  if (frame.opcode === undefined) return { body: frame.body };
  if (frame.opcode === 'text') return { opcode: 'text', json: frame.json };
  return ourFrame({ opcode: opcodeOf(frame), payload: payloadOf(frame) }, isMessage);
}

function ourFrame({ opcode, payload }: Received, isMessage: boolean): unknown {
  if (opcode === 'ended' || opcode === 'nothing') return { ending: opcode };
  if (opcode === 'close') {
    return {
      opcode,
      code: payload.length < 2 ? undefined : payload.readUInt16BE(0),
      reason: payload.toString('utf8', 2),
    };
  }
  if (opcode === 'text') return { opcode, json: JSON.parse(payload.toString()) as unknown };
  const type = isMessage ? 'jina.DataRequestProto' : 'jina.StatusProto';
  return { opcode, message: knowsEveryField(type, payload) ? readMessage(type, payload) : payload.toString('base64') };
}

function readHeaders(head: readonly string[]): [string, string][] {
  return head.slice(1).map((header) => {
    const [name = '', ...rest] = header.split(':');
    return [name, rest.join(':').trim()];
  });
}

/** The head of an answer; a right proof of the key says nothing, and was not recorded. */
function headOf(head: readonly string[], headers: readonly (readonly [string, string])[], accept?: string): object {
  const entries = headers.map(([name, value]) => [name.toLowerCase(), value.toLowerCase()] as const);
  const kept = entries.filter(
    ([name, value]) => !['date', 'connection'].includes(name) && value !== accept?.toLowerCase(),
  );
  return { status: Number(head[0]?.split(' ')[1]), headers: Object.fromEntries(kept) };
}
