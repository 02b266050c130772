import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { roomOf } from './rooms.ts';
import { type SourceFile, sourceFiles } from './source-file.ts';

const files = sourceFiles();
const product = files.filter((file) => roomOf(file.path) !== undefined);

const forbiddenNames = new Set(['utils', 'helpers', 'common', 'misc', 'base', 'manager', 'types']);
/** Where the environment is read, once and at the edge. */
const environmentReaders = [
  /^(?:cli|bench|scripts|examples)\//,
  /^running-flow\.ts$/,
  /^flows\/load\.ts$/,
  /^observability\/start\.ts$/,
  /^runtime\/worker\/main\.ts$/,
];
const isGenerated = (file: SourceFile): boolean => file.path.endsWith('.gen.ts');

describe('code', () => {
  it('has no file or folder called by an empty word', () => {
    const wrong = files.filter((file) => namesOf(file).some((name) => forbiddenNames.has(name)));
    assert.deepEqual(names(wrong), []);
  });

  it('has kebab-case file names', () => {
    const wrong = product.filter(
      (file) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.gen|\.config)?\.ts$/.test(path.posix.basename(file.path)),
    );
    assert.deepEqual(names(wrong), []);
  });

  it('has at most 400 lines in a file', () => {
    const long = files.filter((file) => !isGenerated(file) && file.text.split('\n').length > 401);
    assert.deepEqual(names(long), []);
  });

  it('exports by name: nothing as default, nothing with a star', () => {
    const wrong = product.filter((file) => !file.path.startsWith('examples/') && exportsWithoutName(file));
    assert.deepEqual(names(wrong), []);
  });

  it('reads the environment at the edge only', () => {
    const readers = product.filter((file) => readsEnvironment(file));
    assert.deepEqual(names(readers.filter((file) => !environmentReaders.some((place) => place.test(file.path)))), []);
  });

  it('switches no check off', () => {
    const marks = ['@ts-' + 'ignore', '@ts-' + 'nocheck', 'eslint-' + 'disable'];
    const wrong = files.filter((file) => marks.some((mark) => file.text.includes(mark)));
    assert.deepEqual(names(wrong), []);
  });
});

function names(list: readonly SourceFile[]): string[] {
  return list.map((file) => file.path);
}

/** Names of a file and its folders; test/types is where types are tested. */
function namesOf(file: SourceFile): string[] {
  const parts = file.path.replace(/^test\/types\//, '').split('/');
  return parts.map((part) => path.posix.basename(part, '.ts').replace('.test', ''));
}

function parse(file: SourceFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true);
}

function exportsWithoutName(file: SourceFile): boolean {
  return parse(file).statements.some((statement) => {
    if (ts.isExportAssignment(statement)) return true;
    if (ts.isExportDeclaration(statement)) return statement.exportClause === undefined;
    return (
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) === true
    );
  });
}

/** `process.env` in code, not in comments or text; or `env` taken from `process` or `node:process`. */
function readsEnvironment(file: SourceFile): boolean {
  const isRead = (node: ts.Node): boolean =>
    (ts.isPropertyAccessExpression(node) && node.getText() === 'process.env') ||
    (ts.isImportDeclaration(node) &&
      ts.isStringLiteral(node.moduleSpecifier) &&
      node.moduleSpecifier.text === 'node:process') ||
    (ts.isVariableDeclaration(node) &&
      ts.isObjectBindingPattern(node.name) &&
      node.initializer?.getText() === 'process') ||
    ts.forEachChild(node, (child) => isRead(child) || undefined) === true;
  return isRead(parse(file));
}
