import { type Document, FlowError } from '../../core/index.ts';
import {
  type EncodedRows,
  hasPicture,
  parseAccessPaths,
  type PictureEncoder,
  type PictureSource,
  type TextCoder,
  tokenIds,
} from '../kit/index.ts';
import type { Call, DocumentArray, RequestInfo } from '../sdk/index.ts';

/** A document with what its tower reads. */
export type Input =
  | { readonly kind: 'text'; readonly doc: Document; readonly ids: Int32Array }
  | { readonly kind: 'picture'; readonly doc: Document; readonly pixels: Float32Array };

/** What is needed to make inputs of documents. */
export interface InputReader {
  readonly coder: TextCoder;
  /** Missing for a model without a picture tower. */
  readonly pictures: { readonly source: PictureSource; readonly encoder: PictureEncoder } | undefined;
  /** Name of the model, for messages. */
  readonly model: string;
}

/** Which documents of a request are encoded: its own `traversal_paths` or `access_paths`, else `otherwise`. */
export function selected(docs: DocumentArray, { rows, parameters }: RequestInfo, otherwise: string): Document[] {
  const own = parameters['traversal_paths'] ?? parameters['access_paths'] ?? otherwise;
  return parseAccessPaths(typeof own === 'string' ? own : JSON.stringify(own))(docs.slice(...rows));
}

/** What was read of one request. */
export interface RequestInputs {
  readonly request: RequestInfo;
  readonly inputs: readonly Input[];
}

/**
 * Inputs of the documents that `select` takes of each request; pictures are fetched and decoded side by side. The first
 * document that cannot be read fails its request alone, with its id in the message; failed requests are left out.
 */
export async function readInputs(
  call: Call,
  reader: InputReader,
  select: (request: RequestInfo) => readonly Document[],
): Promise<RequestInputs[]> {
  const read = call.requests.map(async (request): Promise<RequestInputs[]> => {
    try {
      const inputs = await Promise.all(select(request).map(async (doc) => await readInput(doc, call, reader)));
      return [{ request, inputs: inputs.flat() }];
    } catch (error) {
      call.fail(request, FlowError.from(error, 'executor_error'));
      return [];
    }
  });
  return (await Promise.all(read)).flat();
}

/** Text beats picture, as in CLIP-as-service; what has an embedding and nothing else keeps it. */
async function readInput(doc: Document, call: Call, reader: InputReader): Promise<readonly Input[]> {
  if (isText(doc)) {
    const ids = tokenIds(doc, reader.coder);
    return ids === undefined ? [] : [{ kind: 'text', doc, ids }];
  }
  if (hasPicture(doc)) return [{ kind: 'picture', doc, pixels: await pixelsOf(doc, call, reader) }];
  if (doc.embedding !== undefined || call.endpoint === '/') return [];
  throw fault(doc, new FlowError('invalid_argument', 'expected text, blob, tensor or uri, got an empty document'));
}

/** An empty text beside a picture is what some protocols make of no text. */
function isText(doc: Document): boolean {
  if (doc.text !== undefined && doc.text !== '') return true;
  if (doc.tensor !== undefined && doc.tensor.shape.length !== 3) return true;
  return doc.text === '' && !hasPicture(doc);
}

async function pixelsOf(doc: Document, call: Call, { pictures, model }: InputReader): Promise<Float32Array> {
  try {
    if (pictures === undefined) {
      throw new FlowError('invalid_argument', `expected a text, got a picture: ${model} has no tower for pictures`);
    }
    const { shape } = pictures.encoder.decoder;
    const { tensor, blob } = doc;
    const isReady = blob === undefined && tensor?.shape.every((side, index) => side === shape[index]);
    if (isReady === true && tensor?.data instanceof Float32Array) return tensor.data;
    return await pictures.encoder.decoder.decode(await pictures.source.read(doc, call.signal));
  } catch (error) {
    throw fault(doc, FlowError.from(error, 'executor_error'));
  }
}

function fault({ id }: Document, error: FlowError): FlowError {
  return new FlowError(error.reason, `document ${id}: ${error.message}`, {
    details: { ...error.details, document: id },
    cause: error,
  });
}

/**
 * Embeddings of all inputs in their order, as one block.
 *
 * @param texts rows of the texts among the inputs, in their order; undefined when there are none
 * @param pictures rows of the pictures among them
 */
export function joinRows(
  inputs: readonly Input[],
  texts: EncodedRows | undefined,
  pictures: EncodedRows | undefined,
): Float32Array {
  if (texts === undefined || pictures === undefined) return (texts ?? pictures)?.block ?? new Float32Array(0);
  const { width } = texts;
  if (pictures.width !== width) {
    throw new FlowError(
      'model_unavailable',
      `expected both towers to have vectors of one width, got ${width} for texts and ${pictures.width} for pictures`,
    );
  }
  const block = new Float32Array(inputs.length * width);
  const next = { text: 0, picture: 0 };
  inputs.forEach(({ kind }, place) => {
    const row = next[kind]++;
    const source = kind === 'text' ? texts.block : pictures.block;
    block.set(source.subarray(row * width, (row + 1) * width), place * width);
  });
  return block;
}
