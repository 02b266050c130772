import { createServer } from 'node:http';
import { countSpans } from './trace-count.ts';

/**
 * Stands for an OTLP collector: takes traces over HTTP, counts their spans and forgets them. GET / tells the count.
 *
 * PORT=4318 node --import tsx bench/trace-sink.ts
 */
let spans = 0;
let posts = 0;

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    if (request.method === 'POST') {
      posts++;
      spans += countSpans(Buffer.concat(pieces), request.headers['content-type'] ?? '');
    }
    const body = request.method === 'GET' ? JSON.stringify({ spans, posts }) : '';
    response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body);
  });
});
server.listen(Number(process.env['PORT'] ?? 4318), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
