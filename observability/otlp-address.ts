import { FlowError } from '../core/index.ts';

/** Where traces go, as the OTEL_* variables of the SDK say it. */
export type OtlpVariables = Readonly<Record<string, string>>;

const protocolKey = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL';
const endpointKey = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

/**
 * The SDK's variables for an OTLP address.
 *
 * `grpc://host:port` and `grpcs://` mean OTLP over gRPC, and so does an http address with the port of OTLP over gRPC
 * (4317) and no path, unless `protocol` (what the environment says) is another. Any other http or https address is
 * OTLP over HTTP; without a path `/v1/traces` is added.
 *
 * @throws `invalid_argument` when the address is none of these.
 */
export function otlpVariables(address: string, protocol: string | undefined): OtlpVariables {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  switch (url?.protocol) {
    case 'grpc:':
    case 'grpcs:': {
      const scheme = url.protocol === 'grpc:' ? 'http' : 'https';
      return { [protocolKey]: 'grpc', [endpointKey]: `${scheme}://${url.host}` };
    }
    case 'http:':
    case 'https:':
      if (url.pathname !== '/') return { [endpointKey]: url.href };
      if (url.port === '4317' && protocol === undefined) return { [protocolKey]: 'grpc', [endpointKey]: url.origin };
      return { [endpointKey]: protocol === 'grpc' ? url.origin : `${url.origin}/v1/traces` };
    default:
      throw new FlowError(
        'invalid_argument',
        `expected an address for OTLP such as http://127.0.0.1:4318 or grpc://127.0.0.1:4317, got ${address}`,
      );
  }
}
