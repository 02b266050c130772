import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { startFlow, type RunningFlow, Flow } from '../../index.ts';
import { installPackage, type InstalledPackage } from './installed-package.ts';

const executable = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((file) => existsSync(file));
const skip = executable === undefined ? 'needs Chromium: Debian package chromium-headless-shell' : false;

const program = `
import { Client, Tensor } from 'sluice/client';

window.shout = async (host) => {
  const client = new Client({ host });
  const docs = await client.post('/echo', [{ text: 'ä', blob: new Uint8Array([0, 255, 7]), embedding: Tensor.vector([1.5, -2]) }]);
  const [doc] = docs;
  await client.close();
  return { text: doc.text, blob: [...doc.blob], embedding: [...doc.embedding.data] };
};
window.fault = async (host) => {
  const client = new Client({ host });
  try {
    await client.post('/echo', ['a'], { targetExecutor: 'nobody' });
    return 'answered';
  } catch (error) {
    return error.reason;
  } finally {
    await client.close();
  }
};
window.isBundled = true;
`;

const args = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

/** The installed package as a bundler makes a page's script of it. */
async function bundle(folder: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: folder },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    // Linked dependencies lie in the checkout; the package itself does not.
    nodePaths: [path.join(folder, 'node_modules')],
  });
  return outputFiles[0]?.text ?? '';
}

async function serve(script: string): Promise<Server> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html; charset=utf-8' });
    response.end(
      isScript ? script : '<!doctype html><title>page</title><script type="module" src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('the client in a real browser', { skip }, () => {
  let installed: InstalledPackage;
  let flow: RunningFlow;
  let server: Server;
  let browser: Browser;

  before(async () => {
    installed = await installPackage();
    flow = await startFlow(
      Flow.create({ port: 0, cors: true, protocol: ['http', 'websocket', 'grpc'] }).add({ name: 'echo', uses: 'Echo' }),
    );
    server = await serve(await bundle(installed.folder));
    browser = await chromium.launch({ args, ...(executable === undefined ? {} : { executablePath: executable }) });
  });

  after(async () => {
    await browser.close();
    server.close();
    await flow.stop();
    installed.remove();
  });

  async function call(name: string, scheme: string): Promise<unknown> {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('window.isBundled');
    const host = flow.urls[0]?.replace('http', scheme);
    const answer: unknown = await page.evaluate(`${name}(${JSON.stringify(host)})`);
    await page.close();
    return answer;
  }

  for (const scheme of ['http', 'ws']) {
    it(`posts text, bytes and numbers over ${scheme} to another origin and gets them back`, async () => {
      assert.deepEqual(await call('shout', scheme), { text: 'ä', blob: [0, 255, 7], embedding: [1.5, -2] });
    });

    it(`throws the reason of a fault over ${scheme}`, async () => {
      assert.equal(await call('fault', scheme), 'unknown_target');
    });
  }

  it('says that it cannot speak gRPC', async () => {
    assert.equal(await call('fault', 'grpc'), 'invalid_argument');
  });
});
