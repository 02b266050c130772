import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withGateway } from '../running-gateway.ts';

const asBrowser = { headers: { accept: 'text/html,application/xhtml+xml' }, redirect: 'manual' } as const;

describe('search page', () => {
  it('is where a browser that opens / is led; any other caller gets what it always got', () =>
    withGateway({ plan: { searchPage: true } }, async ({ url }) => {
      const led = await fetch(`${url}/`, asBrowser);
      assert.deepEqual([led.status, led.headers.get('location')], [307, '/ui']);
      assert.equal(await (await fetch(`${url}/`)).text(), '{}');
    }));

  it('comes with its style and script, and may load nothing from elsewhere', () =>
    withGateway({ plan: { searchPage: true } }, async ({ url }) => {
      const page = await fetch(`${url}/ui`);
      assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'self';/);
      const files = [...(await page.text()).matchAll(/(?:href|src)="(ui\/[^"]+)"/g)].map(([, name = '']) => name);
      const types = await Promise.all(
        files.map(async (name) => (await fetch(`${url}/${name}`)).headers.get('content-type')),
      );
      assert.deepEqual(types, ['text/css; charset=utf-8', 'text/css; charset=utf-8', 'text/javascript; charset=utf-8']);
    }));

  it('is not there unless the flow asks for it', () =>
    withGateway({}, async ({ url }) => {
      assert.equal((await fetch(`${url}/`, asBrowser)).status, 200);
      for (const path of ['/ui', '/ui/search.js']) assert.equal((await fetch(`${url}${path}`)).status, 404);
    }));
});
