import type { IncomingMessage } from 'node:http';
import { FlowError } from '../core/index.ts';

export interface BodyLimit {
  /** Most bytes of one body. */
  readonly maxBytes: number;
  /** Counts bytes before they are kept; throws when all open requests together hold too many. */
  hold(bytes: number): void;
}

/**
 * The whole body of a request; never keeps more than the limit, whatever the headers say.
 *
 * @throws `request_too_large` as soon as the length that is announced, or what has come, is over the limit;
 *   `cancelled` when the caller goes away first.
 */
export async function readBody(request: IncomingMessage, limit: BodyLimit): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit.maxBytes) throw tooLarge(limit.maxBytes, `${announced}`);
  if (announced > 0) limit.hold(announced);
  const chunks: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: FlowError): void => {
      request.off('data', take);
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      try {
        if (length > limit.maxBytes) throw tooLarge(limit.maxBytes, `at least ${length}`);
        if (announced === 0) limit.hold(chunk.length);
      } catch (error) {
        fail(FlowError.from(error));
        return;
      }
      chunks.push(chunk);
    };
    const leave = (): void => {
      if (!request.complete) fail(new FlowError('cancelled', 'the caller went away before its request was complete'));
    };
    request.on('data', take).on('end', resolve).on('close', leave);
  });
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

function tooLarge(maxBytes: number, got: string): FlowError {
  return new FlowError('request_too_large', `expected a body of at most ${maxBytes} bytes, got ${got}`, {
    details: { limit: maxBytes },
  });
}
