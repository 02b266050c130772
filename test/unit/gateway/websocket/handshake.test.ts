import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { FlowError } from '../../../../core/index.ts';
import type { GatewayPlan } from '../../../../flows/index.ts';
import { decodeDataRequest, encodeDataRequest } from '../../../../proto/index.ts';
import { SocketClient } from '../../../fixtures/socket-client.ts';
import { parseAnswer, postJson, sendRaw, withGateway } from '../running-gateway.ts';
import { listeners, message, named } from './connected-client.ts';

const plan: Partial<GatewayPlan> = { listeners };

/** One request over gRPC; fulfils with the id of its answer. */
async function callGrpc(client: Client): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/jina.JinaSingleDataRequestRPC/process_single_data',
      (id: string) => Buffer.from(encodeDataRequest(message(id, '/encode'))),
      decodeDataRequest,
      'over gRPC',
      (error, answer) => (error === null ? resolve(answer?.header?.request_id) : reject(error)),
    );
  }).finally(() => client.close()) as Promise<string | undefined>;
}

describe('the handshake of a WebSocket connection', () => {
  it('echoes the sub-protocol that is spoken, JSON before bytes', () =>
    withGateway({ plan }, async ({ url }) => {
      for (const [offered, spoken] of [
        ['json', 'json'],
        ['bytes', 'bytes'],
        [['bytes', 'json'], 'json'],
        [undefined, ''],
      ] as const) {
        const client = await SocketClient.open(url, typeof offered === 'object' ? [...offered] : offered);
        assert.equal(client.socket.protocol, spoken);
        if (spoken === 'bytes') client.sendMessage(message('r', '/encode'));
        else client.sendJson(named('r', '/encode'));
        assert.equal((await client.next()).isBinary, spoken === 'bytes');
        await client.close();
      }
    }));

  it('is accepted when it offers nothing that is spoken, which is then JSON', () =>
    withGateway({ plan }, async ({ port }) => {
      const { status, headers } = await shake(port, '/', 'Sec-WebSocket-Protocol: soap');
      assert.equal(status, 101);
      assert.equal(headers.has('sec-websocket-protocol'), false);
    }));

  it('is refused on other paths as Jina does', () =>
    withGateway({ plan }, async ({ port }) => {
      for (const other of ['/nope', '/encode', '/post', '/docs']) {
        const { status, headers, body } = await shake(port, other);
        assert.deepEqual([status, body], [403, ''], other);
        assert.equal(headers.get('content-type'), 'text/plain');
        assert.equal(headers.get('connection'), 'close');
      }
      assert.equal((await shake(port, '/?a=b')).status, 101);
    }));

  it('is refused to pages of other origins, unless the flow serves those', async () => {
    const status = async (port: number, origin: string): Promise<number> =>
      (await shake(port, '/', `Origin: ${origin}`)).status;
    await withGateway({ plan }, async ({ port }) => {
      for (const own of ['http://gateway', 'http://gateway:80', 'https://gateway']) {
        assert.equal(await status(port, own), 101, own);
      }
      for (const other of ['http://evil.example', 'http://gateway:81', 'http://gateway.evil', 'null', 'nonsense']) {
        assert.equal(await status(port, other), 403, other);
      }
    });
    await withGateway({ plan: { ...plan, cors: true } }, async ({ port }) => {
      assert.equal(await status(port, 'http://evil.example'), 101);
    });
  });

  it('that is malformed is refused over HTTP', () =>
    withGateway({ plan }, async ({ port }) => {
      const upgrade = 'Host: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
      assert.equal((await sendRaw(port, `GET / HTTP/1.1\r\n${upgrade}`)).status, 400);
    }));

  it('means nothing on a port that does not list WebSocket', () =>
    withGateway({ plan: { listeners: [{ port: 0, protocols: ['http'] }] } }, async ({ port }) => {
      const { status, body } = await shake(port, '/', 'Connection: close');
      assert.deepEqual([status, body], [200, '{}']);
    }));
});

describe('a dry run over WebSocket', () => {
  it('sends an empty status and closes', () =>
    withGateway({ plan }, async ({ url }) => {
      for (const [protocol, text] of [
        ['json', '{}'],
        ['bytes', ''],
      ] as const) {
        const client = await SocketClient.open(`${url}/dry_run`, protocol);
        // As Jina's client does; nobody reads it.
        client.socket.send(Buffer.alloc(0));
        const { bytes, isBinary } = await client.next();
        assert.deepEqual([String(bytes), isBinary], [text, protocol === 'bytes']);
        assert.deepEqual(await client.closed, { code: 1000, reason: '' });
      }
    }));

  it('closes with 1011 and why when an executor is not ready', () =>
    withGateway({ plan }, async ({ url, runtime }) => {
      runtime.become('failed', new FlowError('executor_load_failed', 'no such file'));
      const client = await SocketClient.open(`${url}/dry_run`, 'bytes');
      const { code, reason } = await client.closed;
      assert.equal(code, 1011);
      assert.match(reason, /^executor echo is not ready: replica 0 is failed: executor_load_failed: no such file/);
    }));
});

describe('one port', () => {
  it('serves HTTP, gRPC and WebSocket', () =>
    withGateway({ plan }, async ({ url, port }) => {
      const client = await SocketClient.open(url, 'bytes');
      client.sendMessage(message('r', '/encode'));
      assert.equal((await client.nextMessage()).header?.request_id, 'r');
      assert.equal((await postJson(`${url}/encode`, { data: [{}] })).status, 200);
      assert.equal(await callGrpc(new Client(`127.0.0.1:${port}`, credentials.createInsecure())), 'over gRPC');
      assert.equal((await client.close()).code, 1000);
    }));

  it('answers over HTTP who asks for another protocol, body and next request too', () =>
    withGateway({ plan }, async ({ port }) => {
      const body = '{"data":[{"id":"sent"}]}';
      const wish =
        'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
      const first = `POST /encode HTTP/1.1\r\n${wish}Content-Length: ${body.length}\r\n\r\n${body}`;
      const second = 'GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: TLS/1.0\r\n\r\n';
      const socket = net.connect(port, '127.0.0.1');
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.write(first.slice(0, -5));
      socket.write(first.slice(-5));
      while (!Buffer.concat(chunks).includes('"sent"')) await new Promise((resolve) => socket.once('data', resolve));
      assert.equal(parseAnswer(String(Buffer.concat(chunks))).status, 200);
      chunks.length = 0;
      socket.write(second);
      await new Promise((resolve) => socket.once('close', resolve));
      const answer = parseAnswer(String(Buffer.concat(chunks)));
      assert.deepEqual([answer.status, answer.body], [200, '{"status":"live"}']);
    }));

  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  it('serves the three over TLS', { skip: hasOpenssl ? false : 'openssl is not on this machine' }, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-tls-'));
    const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '1', ...subject], { stdio: 'ignore' });
    try {
      await withGateway({ plan: { ...plan, tls: { certFile, keyFile } } }, async ({ port }) => {
        const ca = readFileSync(certFile);
        for (const options of [{ ca }, { ca, ALPNProtocols: ['h2', 'http/1.1'] }]) {
          const client = await SocketClient.open(`wss://localhost:${port}`, 'json', options);
          client.sendJson(named('r', '/encode'));
          assert.equal((await client.nextJson()).header.request_id, 'r');
          assert.equal((await client.close()).code, 1000);
        }
        assert.equal(await callGrpc(new Client(`localhost:${port}`, credentials.createSsl(ca))), 'over gRPC');
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** A handshake by hand; the connection ends after the answer. */
async function shake(port: number, target: string, ...lines: string[]): ReturnType<typeof sendRaw> {
  const socket = net.connect(port, '127.0.0.1');
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13';
  const upgrade = `Host: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}`;
  socket.write(`GET ${target} HTTP/1.1\r\n${[upgrade, ...lines].join('\r\n')}\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    if (String(chunk).startsWith('HTTP/1.1 101')) break;
  }
  return parseAnswer(String(Buffer.concat(chunks)));
}
