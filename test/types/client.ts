// Checked by the compiler alone: every line marked as an error must be one, every other line must not.
import { Readable } from 'node:stream';
import { Client, type ClientResponse, type Document, type DocumentArray } from '../../client/index.ts';

/** As `sluice types` writes it. */
interface Endpoints {
  '/encode': { parameters: { normalize?: boolean } };
  '/search': { parameters: { limit: number; filter?: { language?: 'en' | 'zh' } } };
  '/index': object;
}

const typed = new Client<Endpoints>({ host: 'http://localhost:51000' });
const untyped = new Client({ host: 'http://localhost:51000' });

export const results: PromiseLike<DocumentArray>[] = [
  typed.post('/encode', 'a cat'),
  typed.post('/encode'),
  typed.post('/encode', ['a cat', { text: 'a dog' }], { parameters: { normalize: true } }),
  typed.post('/search', 'a cat', { parameters: { limit: 3, filter: { language: 'zh' } }, requestSize: 1 }),
  typed.post('/index', [{ uri: 'cat.jpg' }], { parameters: { anything: 1 } }),
  typed.search('a cat', { parameters: { limit: 3 } }),
  typed.index(['a cat']),
  untyped.post('/anything', 'a cat', { parameters: { free: ['form'] } }),
  untyped.post('/anything'),
  untyped.search(['a cat']),

  // @ts-expect-error the flow has no such endpoint
  typed.post('/encod', 'a cat'),
  // @ts-expect-error a parameter of the wrong type
  typed.post('/encode', 'a cat', { parameters: { normalize: 'yes' } }),
  // @ts-expect-error a parameter that is not there
  typed.post('/encode', 'a cat', { parameters: { normalise: true } }),
  // @ts-expect-error a parameter that must be given
  typed.post('/search', 'a cat'),
  // @ts-expect-error a parameter that must be given
  typed.post('/search', 'a cat', { parameters: {} }),
  // @ts-expect-error a value that the parameter does not take
  typed.post('/search', 'a cat', { parameters: { limit: 3, filter: { language: 'fr' } } }),
  // @ts-expect-error the flow does not bind /delete
  typed.delete('a cat'),
  // @ts-expect-error numbers are no documents
  untyped.post('/encode', [1, 2, 3]),
  // @ts-expect-error an option that is not there
  untyped.post('/encode', 'a cat', { request_size: 3 }),
];

async function* lines(): AsyncGenerator<string> {
  yield await Promise.resolve('a cat');
}

export async function inputs(): Promise<void> {
  const stream = new ReadableStream<string>();
  for (const input of [
    lines(),
    lines,
    new Set(['a cat']),
    Readable.from(['a cat']),
    stream,
    () => ['a cat'],
    () => Promise.resolve('a cat'),
    undefined,
  ]) {
    await untyped.post('/encode', input);
  }
}

export async function reading(): Promise<void> {
  for await (const doc of typed.post('/encode', 'a cat')) doc satisfies Document;
  for await (const response of typed.post('/encode', 'a cat').responses()) response satisfies ClientResponse;
  const docs = await typed.post('/encode', 'a cat');
  docs satisfies DocumentArray;
  for await (const doc of untyped.stream('/generate', 'Once', { parameters: { words: 3 } })) doc satisfies Document;
  for await (const doc of typed.stream('/encode', { text: 'Once' })) doc satisfies Document;
  // @ts-expect-error a stream takes one document
  typed.stream('/encode', ['Once']);
  // @ts-expect-error a stream takes one document
  typed.stream('/encode');
}
