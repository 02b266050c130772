import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { allowedImports, isAllowed, roomOf, takesAnyIndex } from './rooms.ts';
import { sourceFiles } from './source-file.ts';

const files = sourceFiles();
const byPath = new Map(files.map((file) => [file.path, file]));
const edges = files.flatMap((file) => file.imports.map((target) => ({ from: file.path, to: target })));

/** Packages that load a model or an image library: they belong into workers. */
const modelLibraries = ['onnxruntime-node', 'sharp', '@xenova/transformers', '@huggingface/transformers'];
const parentRooms = new Set(['.', 'cli', 'gateway', 'runtime', 'runtime/wire', 'runtime/remote', 'client']);

describe('imports', () => {
  it('go along the edges of the table only', () => {
    const wrong = edges.filter(({ from, to }) => {
      const [here, there] = [roomOf(from), roomOf(to)];
      return here !== undefined && here !== there && (there === undefined || !isAllowed(here, there));
    });
    assert.deepEqual(wrong.map(arrow), []);
  });

  it('stop at the index.ts of a folder that has one', () => {
    const past = edges.filter(({ from, to }) => {
      const room = roomOf(from);
      if (room === undefined || path.posix.basename(to) === 'package.json') return false;
      if (takesAnyIndex(room) && isIndex(to)) return false;
      return closedFolders(to).some((folder) => !from.startsWith(`${folder}/`) && to !== `${folder}/index.ts`);
    });
    assert.deepEqual(past.map(arrow), []);
  });

  it('from another room name its index.ts', () => {
    const deep = edges.filter(({ from, to }) => {
      const [here, there] = [roomOf(from), roomOf(to)];
      return here !== undefined && there !== undefined && here !== there && to.endsWith('.ts') && !isIndex(to);
    });
    assert.deepEqual(deep.map(arrow), []);
  });

  it('lead to files that exist', () => {
    const broken = edges.filter(({ from, to }) => to.endsWith('.ts') && !byPath.has(to) && !isGenerated(from));
    assert.deepEqual(broken.map(arrow), []);
  });

  it('make no cycle, type imports included', () => {
    assert.deepEqual(cycles(), []);
  });

  it('of the parent process never reach a model library', () => {
    const reached = reachable(
      files.filter((file) => parentRooms.has(roomOf(file.path) ?? '')).map((file) => file.path),
    );
    const wrong = reached.flatMap((file) =>
      (byPath.get(file)?.packages ?? [])
        .filter((name) => modelLibraries.includes(name))
        .map((name) => `${file} → ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('of the kit from the sdk are types', () => {
    const values = /^import (?!type )[^;]*from '\.\.\/sdk\//m;
    const wrong = files.filter((file) => roomOf(file.path) === 'executors/kit' && values.test(file.text));
    assert.deepEqual(
      wrong.map((file) => file.path),
      [],
    );
  });

  it('have every room in the table', () => {
    const unknown = files
      .map((file) => roomOf(file.path))
      .filter((room) => room !== undefined && !(room in allowedImports) && !room.startsWith('executors/'));
    assert.deepEqual([...new Set(unknown)], []);
  });
});

function arrow(edge: { from: string; to: string }): string {
  return `${edge.from} → ${edge.to}`;
}

/** The folders around a file that have an index.ts, the root's left out: it is the package's face for others. */
function closedFolders(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return parts
    .map((_, index) => parts.slice(0, index + 1).join('/'))
    .filter((folder) => byPath.has(`${folder}/index.ts`));
}

function isIndex(file: string): boolean {
  return path.posix.basename(file) === 'index.ts';
}

/** Text that only looks like an import, in tests that write files. */
function isGenerated(from: string): boolean {
  return from.startsWith('test/');
}

function reachable(from: readonly string[]): string[] {
  const seen = new Set(from);
  for (const file of seen) for (const next of byPath.get(file)?.imports ?? []) seen.add(next);
  return [...seen];
}

/** Each cycle once, as `a → b → a`. */
function cycles(): string[] {
  const found: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      found.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      return;
    }
    state.set(file, 'open');
    trail.push(file);
    for (const next of byPath.get(file)?.imports ?? []) visit(next);
    trail.pop();
    state.set(file, 'done');
  };
  for (const file of files) visit(file.path);
  return found;
}
