import { spawn } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { FlowError } from '../core/index.ts';
import { FrameStream, jsonFrame } from './frame-stream.ts';

/**
 * The yardstick: what the road itself costs. HTTP -> JSON.parse -> frame on a socket pair -> child -> back -> JSON.
 * No documents, no queue, no batches, no metrics, no errors: nothing that a service needs beside the road.
 *
 * node --import tsx bench/bare-line.ts
 */
interface Message {
  readonly id: number;
  readonly body: unknown;
}

/** Descriptor of the socket pair in the child. */
const channel = 3;

function runChild(): void {
  const socket = new Socket({ fd: channel });
  const frames = new FrameStream((frame) => {
    const message = JSON.parse(frame.toString()) as Message;
    socket.write(jsonFrame({ id: message.id, body: message.body }));
  });
  socket.on('data', (bytes) => frames.push(bytes));
  socket.on('close', () => process.exit(0));
}

function runParent(): void {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'child'], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const socket = child.stdio[channel];
  if (!(socket instanceof Socket)) throw new FlowError('internal', 'expected a socket pair; this is a bug');
  const waiting = new Map<number, ServerResponse>();
  let lastId = 0;
  const frames = new FrameStream((frame) => {
    const message = JSON.parse(frame.toString()) as Message;
    const response = waiting.get(message.id);
    waiting.delete(message.id);
    const text = JSON.stringify(message.body);
    response?.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response?.end(text);
  });
  socket.on('data', (bytes) => frames.push(bytes));
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const id = ++lastId;
      waiting.set(id, response);
      const bytes = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
      socket.write(jsonFrame({ id, body: JSON.parse(bytes.toString()) as unknown }));
    });
  });
  server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new FlowError('internal', 'expected a TCP address');
    process.stdout.write(`ready http://127.0.0.1:${address.port}\n`);
  });
  process.once('SIGTERM', () => process.exit(0));
}

if (process.argv[2] === 'child') runChild();
else runParent();
