import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { drawGallery } from '../../scripts/gallery.mjs';
import { CliFolder, readyUrl } from './cli-fixture.ts';
import type { RunningCommand } from './running-command.ts';

const executable = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((file) => existsSync(file));
const skip = executable === undefined ? 'needs Chromium: Debian package chromium-headless-shell' : false;
const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'];
const flow = readFileSync(new URL('../../flows/search.yml', import.meta.url), 'utf8');

describe('the search page over the gallery', { skip }, () => {
  const folder = new CliFolder();
  let up: RunningCommand;
  let url: string;
  let pictures: string;
  let browser: Browser;
  let page: Page;

  before(async () => {
    folder.write('search.yml', flow.replace('port: 51000', 'port: 0'));
    up = folder.start('--json', 'up', 'search.yml');
    pictures = await drawGallery(path.join(folder.path, 'gallery'), () => undefined);
    url = await readyUrl(up);
    const { code, stderr } = await folder.run('index', url, pictures);
    assert.equal(code, 0, stderr);
    browser = await chromium.launch({ args, ...(executable === undefined ? {} : { executablePath: executable }) });
  });
  after(async () => {
    await browser.close();
    await folder.remove();
  });
  beforeEach(async () => {
    page = await browser.newPage();
    await page.goto(url);
  });
  afterEach(() => page.close());

  const titles = () => page.locator('#results .title').allTextContents();
  const firstIs = (title: string) =>
    page.locator('#results li:first-child .title', { hasText: new RegExp(`^${title}$`) }).waitFor();

  for (const query of ['black cat', '黑猫']) {
    it(`finds the black cat for ${query} while it is typed`, async () => {
      await page.locator('#query').pressSequentially(query);
      await firstIs('black cat');
      await page.locator('#results li:first-child img[src^="data:image/png;base64,"]').waitFor();
      assert.equal(new URL(page.url()).searchParams.get('q'), query);
    });
  }

  it('shows the time of each executor, and a command that asks the same', async () => {
    await page.fill('#query', "a cat's face");
    await page.locator('#results li').first().waitFor();
    const phases = await page.locator('#phases dt').allTextContents();
    assert.deepEqual(phases, ['tokenizer', 'encoder', 'indexer', 'ranker', 'gateway and network', 'total']);
    const command = await page.locator('#command code').textContent();
    const answer = JSON.parse(execFileSync('bash', ['-c', command ?? ''], { encoding: 'utf8' })) as {
      data: { matches: { uri: string }[] }[];
    };
    const asked = answer.data[0]?.matches.map(({ uri }) => uri.replace('.png', '').replaceAll('-', ' '));
    assert.deepEqual(asked, await titles());
  });

  it('finds by a picture of the person, and by one that it found', async () => {
    await page.setInputFiles('#upload input', path.join(pictures, 'rocket.png'));
    await firstIs('rocket');
    const third = (await titles())[2] ?? '';
    await page.locator('#results li button').nth(2).click();
    await firstIs(third);
    await page.click('#picture button');
    assert.deepEqual(await titles(), []);
  });

  it('goes through results by keys, and back to the box', async () => {
    await page.fill('#query', 'cat');
    await page.locator('#results li').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    const place = () =>
      page.evaluate('[...document.querySelectorAll("#results button")].indexOf(document.activeElement)');
    assert.equal(await place(), 1);
    await page.keyboard.press('/');
    assert.equal(await page.evaluate('document.activeElement.id'), 'query');
  });

  it('says what is wrong with a file or a text, and goes on', async () => {
    await page.setInputFiles('#upload input', { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a') });
    assert.match((await page.textContent('#message')) ?? '', /note\.txt is no picture/);
    await page.setInputFiles('#upload input', { name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('a') });
    await page.locator('#message.fault', { hasText: 'picture' }).waitFor();
    await page.fill('#query', '<img src=x onerror=alert(1)>');
    await page.locator('#results li').first().waitFor();
    assert.equal(await page.locator('#results img[src="x"]').count(), 0);
    await page.fill('#query', '');
    await page.locator('#message', { hasText: 'Type what you look for' }).waitFor();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`fits on a phone, ${colorScheme}`, async () => {
      await page.setViewportSize({ width: 360, height: 640 });
      await page.emulateMedia({ colorScheme });
      await page.fill('#query', 'cat');
      await page.locator('#results li').first().waitFor();
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
    });
  }

  it('says that the service is down, and goes on when it is back', async () => {
    await page.fill('#query', 'cat');
    await page.locator('#results li').first().waitFor();
    await page.route('**/search', (route) => route.abort());
    await page.fill('#query', 'black cat');
    await page.locator('#message.fault', { hasText: 'does not answer' }).waitFor();
    await page.unroute('**/search');
    await firstIs('black cat');
  });
});
