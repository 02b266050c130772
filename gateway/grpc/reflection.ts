import { type handleBidiStreamingCall, type Server, status } from '@grpc/grpc-js';
import { type DescribedFile, describeFiles, messageType } from '../../proto/index.ts';
import { asBuffer } from './codec.ts';

const packages = ['grpc.reflection.v1alpha', 'grpc.reflection.v1'] as const;

/** Jina's gateways ask the older one, newer clients the other. */
export const reflectionServices = packages.map((name) => `${name}.ServerReflection`);

/** A ServerReflectionRequest; one of the fields is set. */
interface Question {
  readonly host?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
  readonly file_containing_extension?: object;
  readonly all_extension_numbers_of_type?: string;
  readonly list_services?: string;
}

/** Tells clients which of `services` there are, and what messages they speak. */
export function addReflection(server: Server, services: readonly string[]): void {
  const files = new DescribedFiles();
  for (const name of packages) {
    const own = `${name}.ServerReflection`;
    const list = { service: [own, ...services].map((service) => ({ name: service })) };
    const [request, response] = ['Request', 'Response'].map((kind) => messageType(`${own}${kind}`));
    const answer = (question: Question): object => ({
      ...(question.host !== undefined && { valid_host: question.host }),
      original_request: question,
      ...(question.list_services === undefined ? files.answer(question) : { list_services_response: list }),
    });
    const handle: handleBidiStreamingCall<Question, object> = (stream) => {
      stream.on('data', (question: Question) => stream.write(answer(question)));
      stream.on('end', () => stream.end());
    };
    const method = {
      path: `/${own}/ServerReflectionInfo`,
      ...{ requestStream: true, responseStream: true },
      requestSerialize: asBuffer((question: Question) => request?.encode(question).finish() ?? new Uint8Array()),
      requestDeserialize: (bytes: Buffer) => request?.decode(bytes) as Question,
      responseSerialize: asBuffer((message: object) => response?.encode(message).finish() ?? new Uint8Array()),
      responseDeserialize: (bytes: Buffer) => response?.decode(bytes) as object,
    };
    server.addService({ ServerReflectionInfo: method }, { ServerReflectionInfo: handle });
  }
}

/** The .proto files of everything that is served, described when they are first asked for. */
class DescribedFiles {
  #files: ReadonlyMap<string, DescribedFile> | undefined;
  readonly #bySymbol = new Map<string, DescribedFile>();

  answer(question: Question): object {
    const { file_by_filename: name, file_containing_symbol: symbol, all_extension_numbers_of_type: type } = question;
    const files = this.#describe();
    if (name !== undefined) return this.#file(files.get(name), `file ${name}`);
    if (symbol !== undefined) return this.#file(this.#bySymbol.get(symbol), `symbol ${symbol}`);
    if (type !== undefined && this.#bySymbol.has(type)) {
      return { all_extension_numbers_response: { base_type_name: type } };
    }
    return notFound(type === undefined ? 'extension: there are none' : `type ${type}`);
  }

  #file(file: DescribedFile | undefined, what: string): object {
    if (file === undefined) return notFound(what);
    const found = new Set<DescribedFile>();
    this.#collect(file, found);
    return { file_descriptor_response: { file_descriptor_proto: [...found].map(({ bytes }) => bytes) } };
  }

  /** The file, then what it needs. */
  #collect(file: DescribedFile, found: Set<DescribedFile>): void {
    found.add(file);
    for (const name of file.dependencies) {
      const needed = this.#files?.get(name);
      if (needed !== undefined && !found.has(needed)) this.#collect(needed, found);
    }
  }

  #describe(): ReadonlyMap<string, DescribedFile> {
    if (this.#files !== undefined) return this.#files;
    const files = describeFiles();
    for (const file of files) for (const symbol of file.symbols) this.#bySymbol.set(symbol, file);
    return (this.#files = new Map(files.map((file) => [file.name, file])));
  }
}

function notFound(what: string): object {
  return { error_response: { error_code: status.NOT_FOUND, error_message: `no such ${what}` } };
}
