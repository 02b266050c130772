import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { FlowError } from '../../../core/index.ts';
import { Listener } from '../../../gateway/listener.ts';
import { messageType } from '../../../proto/index.ts';
import { type RunningGateway, parseAnswer, postJson, runGateway, withGateway } from './running-gateway.ts';

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const rootRequest = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';

async function readAll(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

describe('a connection', () => {
  it('may come byte by byte, also with a method that begins like HTTP/2', () =>
    withGateway({}, async ({ port }) => {
      for (const request of [rootRequest, rootRequest.replace('GET', 'PUT'), rootRequest.replace('GET', 'PROPFIND')]) {
        const socket = net.connect(port, '127.0.0.1').setNoDelay();
        const answered = readAll(socket);
        for (const byte of request) {
          socket.write(byte);
          await new Promise(setImmediate);
        }
        assert.ok([200, 404, 405].includes(parseAnswer(String(await answered)).status));
      }
    }));

  it('that speaks HTTP/2 is told to use HTTP/1.1, and closed', () =>
    withGateway({}, async ({ port }) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write(preface);
      const frames = await readAll(socket);
      assert.equal(frames[3], 4, 'SETTINGS');
      assert.equal(frames[9 + 3], 7, 'GOAWAY');
      assert.equal(frames.readUInt32BE(9 + 9 + 4), 0xd, 'HTTP_1_1_REQUIRED');
    }));

  it('that says nothing is closed', async () => {
    const listener = await Listener.open({ host: '127.0.0.1', port: 0, handlers: {}, peekTimeoutMs: 20 });
    const silent = net.connect(listener.port, '127.0.0.1');
    assert.equal((await readAll(silent)).length, 0);
    const hesitant = net.connect(listener.port, '127.0.0.1');
    hesitant.write('PR');
    assert.equal((await readAll(hesitant)).length, 0);
    await listener.close(0);
  });

  it('is looked at once, however many requests it carries', async () => {
    let met = 0;
    const handlers = {
      http1: (socket: net.Socket) => {
        met++;
        socket.on('data', (chunk: Buffer) => socket.write(chunk));
      },
    };
    const listener = await Listener.open({ host: '127.0.0.1', port: 0, handlers });
    const socket = net.connect(listener.port, '127.0.0.1');
    for (const text of ['GET one', 'PRI two', 'PRI three']) {
      socket.write(text);
      assert.equal(String((await once(socket, 'data'))[0]), text);
    }
    assert.equal(met, 1);
    await listener.close(0);
  });

  it('that breaks while it is looked at harms nobody', () =>
    withGateway({}, async ({ port, url }) => {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write('P');
      socket.resetAndDestroy();
      await once(socket, 'close');
      assert.equal((await fetch(url)).status, 200);
    }));
});

describe('the address of a gateway', () => {
  it('that is taken is named, with what to do', () =>
    withGateway({}, async ({ port }) => {
      const listeners = [{ port, protocols: ['http' as const] }];
      await assert.rejects(runGateway({ plan: { listeners } }), (error) => {
        assert.ok(error instanceof FlowError);
        assert.equal(error.reason, 'port_in_use');
        assert.match(
          error.message,
          new RegExp(`127\\.0\\.0\\.1:${port}; stop the other program, or choose another port`),
        );
        return true;
      });
    }));

  it('may be several, and none stays open when one is taken', () =>
    withGateway({}, async ({ port }) => {
      const free = { port: 0, protocols: ['http' as const] };
      const { gateway } = await runGateway({ plan: { listeners: [free, free] } });
      assert.equal(new Set(gateway.urls).size, 2);
      for (const url of gateway.urls) assert.equal((await fetch(url)).status, 200);
      await gateway.stop();
      const taken = [free, { port, protocols: ['http' as const] }];
      await assert.rejects(runGateway({ plan: { listeners: taken } }), /something else listens/);
    }));

  it('names WebSocket where HTTP is not served, and shows the pages of the gateway there', async () => {
    const listeners = [{ port: 0, protocols: ['websocket' as const] }];
    await withGateway({ plan: { listeners } }, async ({ url, port }) => {
      assert.equal(url, `ws://127.0.0.1:${port}`);
      const pages = `http://127.0.0.1:${port}`;
      for (const page of ['/', '/status', '/dry_run', '/docs', '/openapi.json', '/metrics', '/health/ready']) {
        assert.equal((await fetch(pages + page)).status, 200, page);
      }
      const { paths } = (await (await fetch(`${pages}/openapi.json`)).json()) as { paths: object };
      assert.ok(!Object.keys(paths).includes('/encode'));
      for (const endpoint of ['/post', '/encode']) {
        const refused = await postJson(pages + endpoint, {});
        assert.equal(refused.status, 404, endpoint);
        assert.equal(await refused.text(), '{"detail":"Not Found"}');
      }
    });
  });

  it('names gRPC where that is all it serves, and refuses HTTP there', async () => {
    const listeners = [{ port: 0, protocols: ['grpc' as const] }];
    await withGateway({ plan: { listeners } }, async ({ url, port }) => {
      assert.equal(url, `grpc://127.0.0.1:${port}`);
      await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    });
  });
});

describe('TLS', () => {
  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  const skip = hasOpenssl ? false : 'openssl is not on this machine';

  const withTls = async (
    test: (running: RunningGateway, ca: Buffer) => Promise<void>,
    protocols: readonly ('http' | 'grpc')[] = ['http'],
  ): Promise<void> => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-tls-'));
    const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '1', ...subject], { stdio: 'ignore' });
    try {
      const plan = { tls: { certFile, keyFile }, listeners: [{ port: 0, protocols }] };
      await withGateway({ plan }, (running) => test(running, readFileSync(certFile)));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const connect = async (port: number, ca: Buffer, ALPNProtocols?: string[]): Promise<tls.TLSSocket> => {
    const offer = ALPNProtocols === undefined ? {} : { ALPNProtocols };
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...offer });
    await once(socket, 'secureConnect');
    return socket;
  };

  it('serves HTTP/1.1 to who offers it among others, and to who offers nothing', { skip }, () =>
    withTls(async ({ port, url }, ca) => {
      assert.match(url, /^https:/);
      for (const [offered, agreed] of [
        [undefined, false],
        [['http/1.1'], 'http/1.1'],
        [['h2', 'http/1.1'], 'http/1.1'],
      ] as const) {
        const socket = await connect(port, ca, offered === undefined ? undefined : [...offered]);
        assert.equal(socket.alpnProtocol, agreed);
        socket.write(rootRequest);
        assert.equal(parseAnswer(String(await readAll(socket))).status, 200);
      }
    }),
  );

  it('serves gRPC and HTTP on one port', { skip }, () =>
    withTls(
      async ({ port }, ca) => {
        const client = new Client(`localhost:${port}`, credentials.createSsl(ca));
        const status = await new Promise((resolve, reject) => {
          const empty = (): Buffer => Buffer.alloc(0);
          const path = '/jina.JinaGatewayDryRunRPC/dry_run';
          client.makeUnaryRequest(
            path,
            empty,
            (bytes) => messageType('jina.StatusProto').decode(bytes).toJSON(),
            undefined,
            (error, answer) => (error === null ? resolve(answer) : reject(error)),
          );
        });
        client.close();
        assert.deepEqual(status, {});
        const socket = await connect(port, ca, ['h2', 'http/1.1']);
        socket.write(rootRequest);
        assert.equal(parseAnswer(String(await readAll(socket))).status, 200);
      },
      ['http', 'grpc'],
    ),
  );

  it('redirects to https', { skip }, () =>
    withTls(async ({ port }, ca) => {
      const socket = await connect(port, ca);
      socket.write(rootRequest.replace('/ ', '/encode/ '));
      assert.equal(parseAnswer(String(await readAll(socket))).headers.get('location'), 'https://a/encode');
    }),
  );

  it('refuses in the handshake who offers HTTP/2 alone', { skip }, () =>
    withTls(async ({ port }, ca) => {
      await assert.rejects(connect(port, ca, ['h2']), /no application protocol/i);
    }),
  );

  it('survives plain text and broken handshakes', { skip }, () =>
    withTls(async ({ port }, ca) => {
      const plain = net.connect(port, '127.0.0.1');
      plain.on('error', () => undefined);
      plain.write(rootRequest);
      await readAll(plain);
      const socket = await connect(port, ca);
      socket.write(rootRequest);
      assert.equal(parseAnswer(String(await readAll(socket))).status, 200);
    }),
  );

  it('names a certificate that cannot be read', async () => {
    const files = { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' };
    await assert.rejects(runGateway({ plan: { tls: files } }), /cannot read the (?:certificate|key).* \/nowhere\//);
  });
});
