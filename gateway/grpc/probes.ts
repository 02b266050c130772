import type { sendUnaryData, Server, ServiceDefinition } from '@grpc/grpc-js';
import { isObject, type JsonObject } from '../../core/index.ts';
import { messageType, structFromJson } from '../../proto/index.ts';
import { dryRunEndpoint, type EndpointDirectory } from '../endpoints.ts';
import type { RequestHandler } from '../handle.ts';
import { documentSchema } from '../pages/schemas.ts';
import { dryRun, statusPage } from '../probes.ts';
import { asBuffer } from './codec.ts';

interface ProbedParts {
  readonly handler: RequestHandler;
  readonly endpoints: EndpointDirectory;
}

/** Calls without documents: what the gateway says about itself. */
export function addProbes(server: Server, { endpoints, handler }: ProbedParts): void {
  const probes: [path: string, response: string, answer: () => object][] = [
    [
      '/jina.JinaGatewayDryRunRPC/dry_run',
      'jina.StatusProto',
      () => dryRunMessage(dryRun(endpoints.status(), handler.isDraining)),
    ],
    ['/jina.JinaInfoRPC/_status', 'jina.JinaInfoProto', statusPage],
    ['/jina.JinaDiscoverEndpointsRPC/endpoint_discovery', 'jina.EndpointsProto', () => discovery(endpoints)],
  ];
  for (const [path, response, answer] of probes) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const type = messageType(response);
    const definition: ServiceDefinition = {
      [name]: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: () => Buffer.alloc(0),
        requestDeserialize: () => ({}),
        responseSerialize: asBuffer((message: object) => type.encode(message).finish()),
        responseDeserialize: (bytes) => type.decode(bytes),
      },
    };
    server.addService(definition, {
      [name]: (_call: unknown, reply: sendUnaryData<object>) => reply(null, answer()),
    });
  }
}

/** proto3 does not write what is empty: success is an empty message. */
function dryRunMessage({ code, description, exception }: JsonObject): object {
  if (!isObject(exception)) return {};
  return { code, description, exception: { name: exception['name'], args: exception['args'] } };
}

/**
 * Every endpoint that an executor binds, `/default` too: gateways that call this one as an executor send it only what
 * is listed. All take and give the same kind of document.
 */
function discovery(endpoints: EndpointDirectory): object {
  const document = documentSchema();
  const schemaOf = (isStreaming: boolean): JsonObject => ({
    input: document,
    output: document,
    is_generator: isStreaming,
    is_singleton_doc: isStreaming,
  });
  const all = [...endpoints.all.values()].map(({ name, isStreaming }) => [name, schemaOf(isStreaming)] as const);
  const schemas = Object.fromEntries([...all, [dryRunEndpoint, schemaOf(false)]]);
  return { endpoints: Object.keys(schemas), schemas: structFromJson(schemas) };
}
