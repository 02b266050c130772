import { FlowError } from '../core/index.ts';

/** Stands in a body for the mark that makes each request unlike all others; as long as the mark itself. */
export const markPlaceholder = '{{request-mark}}';
const digits = 10;

/** A whole HTTP request as bytes. The mark in it is written anew for every use, and the answer must carry it. */
export class MarkedRequest {
  readonly bytes: Buffer;
  /** The mark that the request carries now: a view of its bytes. */
  readonly mark: Buffer;

  /** @param sender up to 5 characters of [0-9a-z]; different for everybody who sends at the same time */
  constructor(url: URL, body: string, sender: string) {
    if (body.split(markPlaceholder).length !== 2) {
      throw new FlowError(
        'invalid_argument',
        `expected ${markPlaceholder} once in the body, got ${body.slice(0, 200)}`,
      );
    }
    const payload = Buffer.from(body);
    const head = [
      `POST ${url.pathname}${url.search} HTTP/1.1`,
      `host: ${url.host}`,
      'content-type: application/json',
      'accept: application/json',
      `content-length: ${payload.length}`,
    ].join('\r\n');
    this.bytes = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), payload]);
    const offset = this.bytes.indexOf(markPlaceholder);
    this.mark = this.bytes.subarray(offset, offset + markPlaceholder.length);
    this.mark.write(`${sender.padStart(markPlaceholder.length - digits - 1, 'x')}-${'0'.repeat(digits)}`, 'latin1');
  }

  /** Counts the number at the end of the mark up to `serial`. */
  number(serial: number): void {
    let rest = serial;
    for (let at = this.mark.length - 1; at >= this.mark.length - digits; at--) {
      this.mark[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
}
