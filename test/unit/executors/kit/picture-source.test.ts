import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Document } from '../../../../core/index.ts';
import { PictureSource, RemoteFiles, type RemoteSettings } from '../../../../executors/kit/index.ts';

const picture = Buffer.from('as good as a picture');
const patient = new AbortController().signal;

function remoteSource(settings: Partial<RemoteSettings> = {}): { source: PictureSource; remote: RemoteFiles } {
  const remote = new RemoteFiles({ maxBytes: 100, timeoutMs: 5000, allowsPrivate: true, ...settings });
  return { source: new PictureSource({ allowedPaths: [], maxBytes: 100, remote }), remote };
}

describe('pictures from addresses', () => {
  let server: Server;
  let origin: string;
  /** Requests that get no answer. */
  let silent = 0;

  before(async () => {
    server = createServer((request, response) => {
      const target = request.url ?? '';
      const type = { 'content-type': 'image/png' };
      if (target === '/cat.png') response.writeHead(200, type).end(picture);
      else if (target === '/moved') response.writeHead(302, { location: '/cat.png' }).end();
      else if (target === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (target === '/to-file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
      else if (target === '/page') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
      else if (target === '/huge') response.writeHead(200, { ...type, 'content-length': 101 }).end(Buffer.alloc(101));
      else if (target === '/endless') response.writeHead(200, type).end(Buffer.alloc(200));
      else if (target === '/silent') silent++;
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function read(uri: string, settings: Partial<RemoteSettings> = {}, signal = patient): Promise<Buffer> {
    const { source, remote } = remoteSource(settings);
    try {
      const found = await source.read(new Document({ uri }), signal);
      assert.ok(found instanceof Uint8Array);
      return Buffer.from(found);
    } finally {
      await remote.close();
    }
  }

  it('are fetched, also where the address leads on', async () => {
    assert.deepEqual(await read(`${origin}/cat.png`), picture);
    assert.deepEqual(await read(`${origin}/moved`), picture);
  });

  for (const [target, message] of [
    ['/nothing', /cannot fetch .*\/nothing: the answer was 404/],
    ['/page', /expected an image, got text\/html/],
    ['/huge', /at most 100 bytes \(max_bytes\)/],
    ['/endless', /at most 100 bytes \(max_bytes\)/],
    ['/loop', /leads on more than 5 times/],
    ['/to-file', /expected an http or https address/],
  ] as const) {
    it(`are refused when ${target} is what is wrong`, async () => {
      await assert.rejects(read(origin + target), { reason: 'invalid_argument', message });
    });
  }

  it('are given up after the time that is set', async () => {
    await assert.rejects(read(`${origin}/silent`, { timeoutMs: 100 }), { message: /within 0.1 s \(uri_timeout\)/ });
    assert.equal(silent, 1);
  });

  it('are given up when nobody waits any more', async () => {
    await assert.rejects(read(`${origin}/silent`, {}, AbortSignal.abort()), { reason: 'invalid_argument' });
  });

  it('are not fetched from this machine or private networks', async () => {
    const { port } = new URL(origin);
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '2130706433',
      '0x7f.1',
      '10.1.2.3',
      '192.168.0.1',
      '169.254.169.254',
      '[fe80::1]',
      '[fd00::1]',
      '0.0.0.0',
    ]) {
      await assert.rejects(
        read(`http://${host}:${port}/cat.png`, { allowsPrivate: false }),
        { reason: 'invalid_argument', message: /private network \(allow_private_uris\)/ },
        host,
      );
    }
  });

  it('are refused where addresses are switched off', async () => {
    const source = new PictureSource({ allowedPaths: [], maxBytes: 100, remote: undefined });
    await assert.rejects(source.read(new Document({ uri: `${origin}/cat.png` }), patient), { message: /fetch_uris/ });
  });
});

describe('pictures from files', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'sluice-files-'));
  const allowed = path.join(root, 'allowed');
  const source = new PictureSource({ allowedPaths: [allowed], maxBytes: 100, remote: undefined });
  before(() => {
    mkdirSync(path.join(allowed, 'sub'), { recursive: true });
    mkdirSync(path.join(root, 'allowed-not'));
    writeFileSync(path.join(allowed, 'sub', 'cat.png'), picture);
    writeFileSync(path.join(allowed, 'huge.png'), Buffer.alloc(101));
    writeFileSync(path.join(root, 'secret.png'), 'secret');
    writeFileSync(path.join(root, 'allowed-not', 'secret.png'), 'secret');
    symlinkSync(path.join(root, 'secret.png'), path.join(allowed, 'link.png'));
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  const read = async (uri: string) => await source.read(new Document({ uri }), patient);

  it('are read below allowed folders, by path and by address', async () => {
    const file = path.join(allowed, 'sub', 'cat.png');
    assert.deepEqual(await read(file), picture);
    assert.deepEqual(await read(pathToFileURL(file).href), picture);
  });

  it('are refused with one message whatever lies outside', async () => {
    for (const file of [
      '../secret.png',
      'sub/../../secret.png',
      'link.png',
      '../allowed-not/secret.png',
      '../missing.png',
      'missing.png',
      'sub',
      '',
    ]) {
      await assert.rejects(
        read(`${allowed}/${file}`),
        { reason: 'invalid_argument', message: 'expected a file below one of allowed_paths' },
        file,
      );
    }
  });

  it('are refused when they are too large', async () => {
    await assert.rejects(read(path.join(allowed, 'huge.png')), { message: /at most 100 bytes \(max_bytes\), got 101/ });
  });
});

describe('pictures from data URIs', () => {
  const source = new PictureSource({ allowedPaths: [], maxBytes: 100, remote: undefined });
  const read = async (uri: string) => await source.read(new Document({ uri }), patient);

  it('are read in both spellings', async () => {
    assert.deepEqual(await read(`data:image/png;base64,${picture.toString('base64')}`), picture);
    assert.deepEqual(await read(`data:image/png,${encodeURIComponent(picture.toString())}`), picture);
  });

  for (const [uri, message] of [
    ['data:image/png;base64', /without a comma/],
    ['data:text/html,<html>', /got a data URI of text\/html/],
    ['data:image/png,%zz', /percent-encoded/],
    [`data:image/png;base64,${'A'.repeat(200)}`, /at most 100 bytes/],
  ] as const) {
    it(`are refused when they are ${uri.slice(0, 30)}`, async () => {
      await assert.rejects(read(uri), { reason: 'invalid_argument', message });
    });
  }
});
