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
    const fail = (error: unknown): void => {
      request.off('data', take);
      reject(FlowError.from(error));
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > limit.maxBytes) {
        fail(tooLarge(limit.maxBytes, `at least ${length}`));
        return;
      }
      try {
        if (length > announced) limit.hold(announced === 0 ? chunk.length : length - announced);
      } catch (error) {
        fail(error);
        return;
      }
      chunks.push(chunk);
    };
    request.on('data', take);
    request.once('end', resolve);
    request.once('error', () => fail(goneAway()));
    request.once('close', () => fail(goneAway()));
  });
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

function tooLarge(maxBytes: number, got: string): FlowError {
  return new FlowError('request_too_large', `expected a body of at most ${maxBytes} bytes, got ${got}`, {
    details: { limit: maxBytes },
  });
}

function goneAway(): FlowError {
  return new FlowError('cancelled', 'the caller went away before its request was complete');
}
