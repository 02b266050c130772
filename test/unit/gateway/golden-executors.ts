import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Document, DocumentArray, Tensor } from '../../../core/index.ts';
import type { InProcessExecutor } from './in-process-runtime.ts';

/** An error with the name that the recorded executor raised. */
class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** The vector that the recorded executors gave a text. */
function vectorOf(text: string): Tensor {
  const hash = createHash('sha256').update(text).digest();
  return Tensor.vector(Array.from({ length: 4 }, (_, index) => (((hash[index % 32] ?? 0) * (index + 1)) % 256) / 256));
}

function tag(docs: DocumentArray, key: string, value: NonNullable<Document['tags']>): DocumentArray {
  for (const doc of docs) doc.tags = { ...doc.tags, [key]: value };
  return docs;
}

/** The executor of the recorded flow `single`. */
export const encoder: InProcessExecutor = {
  name: 'encoder',
  className: 'Encoder',
  endpoints: {
    '/encode': (docs) => {
      for (const doc of docs) doc.embedding = vectorOf(doc.text ?? '');
      return docs;
    },
    '/params': (docs, { parameters }) => tag(docs, 'parameters', parameters),
    '/who': (docs, { parameters }) => tag(docs, 'encoder', parameters),
    '/fail': () => {
      throw new ValueError('intentional failure');
    },
    '/slow': async (docs, { parameters, signal }) => {
      await delay(Number(parameters['ms']), undefined, { signal });
      return docs;
    },
    '/drop': (docs) => DocumentArray.fromInputs([...docs].filter((doc) => doc.text?.startsWith('drop') !== true)),
  },
};

/** The executor of the recorded flow `stream`. */
export const streamer: InProcessExecutor = {
  name: 'streamer',
  className: 'Streamer',
  endpoints: {},
  streams: {
    '/stream': async function* (docs) {
      for (let index = 0; index < 3; index++) {
        await Promise.resolve();
        yield new Document({ text: `${docs[0]?.text ?? ''} ${index}` });
      }
    },
  },
};
