import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';

const root = new URL('../../../', import.meta.url);

/** What a browser build puts in place of the files that need Node. */
const replacements = new Map([
  ['core/platform.ts', 'core/platform-browser.ts'],
  ['client/http/exchange-node.ts', 'client/http/exchange-browser.ts'],
  ['client/grpc/transport.ts', 'client/grpc/transport-browser.ts'],
  ['client/websocket/socket-node.ts', 'client/websocket/socket-browser.ts'],
  ['client/progress.ts', 'client/progress-browser.ts'],
]);

/** Packages that run in browsers. */
const browserPackages = new Set(['p-queue', 'eventsource-parser', '@opentelemetry/api']);

/** Everything that `file` loads, itself included: files of ours and packages. */
async function reach(file: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(file)) return found;
  found.add(file);
  const url = new URL(file, root);
  const source = await readFile(url, 'utf8');
  for (const [, specifier = ''] of source.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)';$/gm)) {
    await follow(specifier, url, found);
  }
  for (const [, specifier = ''] of source.matchAll(/(?<!typeof )import\('([^']+)'\)/g)) {
    await follow(specifier, url, found);
  }
  return found;
}

async function follow(specifier: string, from: URL, found: Set<string>): Promise<void> {
  if (!specifier.startsWith('.')) {
    found.add(specifier);
    return;
  }
  const path = new URL(specifier, from).pathname.slice(root.pathname.length);
  await reach(replacements.get(path) ?? path, found);
}

describe('the client in a browser', () => {
  it('loads nothing of Node once the replaceable files are replaced', async () => {
    const found = await reach('client/index.ts');
    assert.ok(found.has('client/http/exchange-browser.ts') && found.has('client/progress-browser.ts'));
    const packages = [...found].filter((name) => !name.endsWith('.ts'));
    assert.deepEqual(new Set(packages), browserPackages);
  });

  it('names no global of Node', async () => {
    const found = await reach('client/index.ts');
    for (const file of [...found].filter((name) => name.endsWith('.ts'))) {
      const source = await readFile(new URL(file, root), 'utf8');
      assert.doesNotMatch(source, /^(?!\s*(?:\/\/|\*|\/\*)).*\b(?:Buffer\.|process\.|require\(|setImmediate)/m, file);
    }
  });

  it('replaces each file with one of the same exports', async () => {
    for (const [original, replacement] of replacements) {
      const names = await Promise.all(
        [original, replacement].map(async (path) => {
          const module = (await import(new URL(path, root).href)) as object;
          return Object.keys(module);
        }),
      );
      assert.deepEqual(names[1], names[0], replacement);
    }
  });
});
