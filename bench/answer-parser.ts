import { FlowError } from '../core/index.ts';

/** One complete HTTP/1.1 answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Whether the server closes the connection after it. */
  readonly closes: boolean;
}

/** What the bytes so far are: an answer that ends at `end`, or a part of one that has at least `needed` bytes. */
export type ParseResult =
  | { readonly type: 'complete'; readonly answer: HttpAnswer; readonly end: number }
  | { readonly type: 'partial'; readonly needed: number };

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

/**
 * Reads the answer at the start of `data`: content-length and chunked bodies; 204 and 304 have none.
 *
 * @throws `protocol_error` for anything else, and for an answer whose end only the end of the connection would show.
 */
export function parseAnswer(data: Buffer): ParseResult {
  const headBytes = data.indexOf(headEnd);
  if (headBytes < 0) return { type: 'partial', needed: data.length + 1 };
  const head = data.toString('latin1', 0, headBytes);
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) {
    throw new FlowError('protocol_error', `expected an HTTP/1.1 status line, got ${JSON.stringify(head.slice(0, 40))}`);
  }
  const code = Number(status);
  const closes = /\r\nconnection:[ \t]*close/i.test(head);
  const start = headBytes + headEnd.length;
  if (code === 204 || code === 304) {
    return { type: 'complete', answer: { status: code, body: data.subarray(start, start), closes }, end: start };
  }
  const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = start + Number(length);
    if (data.length < end) return { type: 'partial', needed: end };
    return { type: 'complete', answer: { status: code, body: data.subarray(start, end), closes }, end };
  }
  if (!/\r\ntransfer-encoding:[ \t]*chunked/i.test(head)) {
    throw new FlowError('protocol_error', 'expected content-length or chunked, got an answer without either');
  }
  const body = parseChunks(data, start);
  if ('needed' in body) return { type: 'partial', needed: body.needed };
  return { type: 'complete', answer: { status: code, body: Buffer.concat(body.pieces), closes }, end: body.end };
}

function parseChunks(data: Buffer, start: number): { pieces: Buffer[]; end: number } | { needed: number } {
  const pieces: Buffer[] = [];
  let at = start;
  for (;;) {
    const sizeEnd = data.indexOf(lineEnd, at);
    if (sizeEnd < 0) return { needed: data.length + 1 };
    const sizeText = /^[0-9a-f]+/i.exec(data.toString('latin1', at, sizeEnd))?.[0];
    if (sizeText === undefined) throw new FlowError('protocol_error', 'expected the size of a chunk in hexadecimal');
    const size = Number.parseInt(sizeText, 16);
    at = sizeEnd + lineEnd.length;
    if (size === 0) break;
    if (data.length < at + size + lineEnd.length) return { needed: at + size + lineEnd.length };
    pieces.push(data.subarray(at, at + size));
    at += size + lineEnd.length;
  }
  // Trailer lines, then an empty one.
  for (;;) {
    const end = data.indexOf(lineEnd, at);
    if (end < 0) return { needed: data.length + 1 };
    const isLast = end === at;
    at = end + lineEnd.length;
    if (isLast) return { pieces, end: at };
  }
}

/** Puts the answers of one connection together, one request in flight at a time. */
export class AnswerParser {
  private pieces: Buffer[] = [];
  private bytes = 0;
  private needed = 0;

  /**
   * Takes the next bytes. They may be overwritten after the call, and so may the body that it returns.
   *
   * @returns the answer, when it is complete
   * @throws `protocol_error` for bytes that are no answer, and for bytes after its end: nobody asked for them.
   */
  push(bytes: Buffer): HttpAnswer | undefined {
    let data = bytes;
    if (this.bytes > 0) {
      this.pieces.push(Buffer.from(bytes));
      this.bytes += bytes.length;
      if (this.bytes < this.needed) return undefined;
      data = Buffer.concat(this.pieces);
    }
    const result = parseAnswer(data);
    if (result.type === 'partial') {
      this.pieces = [data === bytes ? Buffer.from(data) : data];
      this.bytes = data.length;
      this.needed = result.needed;
      return undefined;
    }
    this.reset();
    if (result.end < data.length) {
      throw new FlowError('protocol_error', `expected one answer, got ${data.length - result.end} bytes after it`);
    }
    return result.answer;
  }

  /** Forgets a part of an answer, for a new connection. */
  reset(): void {
    this.pieces = [];
    this.bytes = 0;
    this.needed = 0;
  }
}
