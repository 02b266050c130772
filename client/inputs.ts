import { describeValue, Document, DocumentArray, type DocumentInput, FlowError, isObject } from '../core/index.ts';

/** A web stream, told by its shape: browsers and Node have classes of their own. */
export interface WebStream<T> {
  getReader(): { read(): Promise<{ done: boolean; value?: T | undefined }>; cancel(reason?: unknown): Promise<void> };
}

type InputSequence = Iterable<DocumentInput> | AsyncIterable<DocumentInput> | WebStream<DocumentInput>;
type InputValue = DocumentInput | InputSequence | undefined;

/**
 * What can be posted: a text, a document or its fields, a list, anything that can be iterated (generators, Node streams
 * in object mode), a web stream, or a function that gives one of these.
 *
 * Nothing stands for one request without documents, and so does an empty list; an iterator without items for no request.
 */
export type Inputs = InputValue | (() => InputValue | Promise<InputValue>);

/** Documents of a post, read only when they are asked for. */
export interface DocumentSource {
  /** Number of documents where it is known before they are read. */
  readonly total: number | undefined;
  /** The documents of the next request, at most `size`; undefined at the end. */
  next(size: number): Promise<DocumentArray | undefined>;
  /** Lets go of the input; waits for it only when it is not busy with `next`. */
  close(): Promise<void>;
}

/** @throws `invalid_argument` when the inputs are nothing that can be posted. */
export async function openSource(inputs: Inputs): Promise<DocumentSource> {
  const value = typeof inputs === 'function' ? await callForInputs(inputs) : inputs;
  if (value === undefined) return listSource([]);
  if (typeof value === 'string' || value instanceof Document) return listSource([value]);
  if (Array.isArray(value)) return listSource(value);
  if (isWebStream(value)) return streamSource(value);
  if (isAsyncIterable(value)) return iteratorSource(value[Symbol.asyncIterator](), destroyOf(value));
  if (isIterable(value)) return iteratorSource(value[Symbol.iterator](), undefined);
  return listSource([value]);
}

async function callForInputs(give: () => InputValue | Promise<InputValue>): Promise<InputValue> {
  try {
    return await give();
  } catch (error) {
    throw inputFault(error);
  }
}

function listSource(list: readonly DocumentInput[]): DocumentSource {
  let position = 0;
  let isFirst = true;
  return {
    total: list.length,
    next(size) {
      if (!isFirst && position >= list.length) return Promise.resolve(undefined);
      isFirst = false;
      const docs = new DocumentArray();
      for (const end = Math.min(position + size, list.length); position < end; position++) {
        docs.push(documentOf(list[position], position));
      }
      return Promise.resolve(docs);
    },
    close: () => Promise.resolve(),
  };
}

/** @param destroy ends the input at once, also while it is busy */
function iteratorSource(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  destroy: (() => void) | undefined,
): DocumentSource {
  let index = 0;
  let isBusy = false;
  let isEnded = false;

  /** The next document; undefined at the end. */
  async function pull(): Promise<Document | undefined> {
    let result: IteratorResult<unknown>;
    try {
      result = await iterator.next();
    } catch (error) {
      isEnded = true;
      throw inputFault(error);
    }
    if (result.done !== true) return documentOf(result.value, index++);
    isEnded = true;
    return undefined;
  }

  return {
    total: undefined,
    async next(size) {
      const docs = new DocumentArray();
      isBusy = true;
      try {
        while (!isEnded && docs.length < size) {
          const doc = await pull();
          if (doc !== undefined) docs.push(doc);
        }
      } finally {
        isBusy = false;
      }
      return docs.length === 0 ? undefined : docs;
    },
    async close() {
      if (isEnded) return;
      isEnded = true;
      destroy?.();
      const returned = Promise.resolve(iterator.return?.()).then(undefined, (error: unknown) => {
        throw inputFault(error);
      });
      // A busy iterator answers return() only after its next item, which may never come; by then nobody listens.
      if (isBusy) returned.catch(() => undefined);
      else await returned;
    },
  };
}

function streamSource(stream: WebStream<DocumentInput>): DocumentSource {
  const reader = stream.getReader();
  const iterator: AsyncIterator<unknown> = {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done: false, value };
    },
  };
  return iteratorSource(iterator, () => {
    // Whatever the stream says to being cancelled, its documents are not wanted any more.
    reader.cancel().catch(() => undefined);
  });
}

function documentOf(item: unknown, index: number): Document {
  if (item instanceof Document) return item;
  if (typeof item === 'string') return new Document({ text: item });
  if (isObject(item) && !ArrayBuffer.isView(item)) return new Document(item);
  const came = ArrayBuffer.isView(item) ? 'bytes (is it a stream in object mode?)' : describeValue(item);
  throw new FlowError(
    'invalid_argument',
    `inputs: item ${index}: expected a text, a document or its fields, got ${came}`,
  );
}

function inputFault(error: unknown): FlowError {
  return FlowError.from(error, 'invalid_argument', 'reading the inputs failed');
}

/** A Node stream that is waiting for data ends only when it is destroyed. */
function destroyOf(value: object): (() => void) | undefined {
  const destroy: unknown = Reflect.get(value, 'destroy');
  if (typeof destroy !== 'function') return undefined;
  return () => {
    Reflect.apply(destroy, value, []);
  };
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value;
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}

function isWebStream(value: object): value is WebStream<DocumentInput> {
  return 'getReader' in value && typeof value.getReader === 'function';
}
