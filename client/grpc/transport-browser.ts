import { FlowError } from '../../core/index.ts';
import type { TransportOptions } from '../transport.ts';

/** Takes the place of transport.ts in browsers, which cannot speak gRPC. */
export class GrpcTransport {
  /** @throws `invalid_argument`, always */
  constructor({ url }: TransportOptions) {
    const { host } = url;
    throw new FlowError(
      'invalid_argument',
      `host: browsers cannot speak gRPC, got ${url.href}: use http://${host} or ws://${host} instead`,
    );
  }
}
