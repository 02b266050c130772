import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { FlowError, type JsonObject } from '../../../../core/index.ts';
import { messageType } from '../../../../proto/index.ts';
import { streamer } from '../golden-executors.ts';
import type { InProcessExecutor } from '../in-process-runtime.ts';
import { echo, type RunningGateway, withGateway } from '../running-gateway.ts';

const jinaServices = [
  'jina.JinaDataRequestRPC',
  'jina.JinaDiscoverEndpointsRPC',
  'jina.JinaGatewayDryRunRPC',
  'jina.JinaInfoRPC',
  'jina.JinaRPC',
  'jina.JinaSingleDataRequestRPC',
  'jina.JinaSingleDocumentRequestRPC',
];
const reflections = ['grpc.reflection.v1alpha', 'grpc.reflection.v1'];
const single = '/jina.JinaSingleDataRequestRPC/process_single_data';

type Message = Record<string, unknown>;

function coder(type: protobuf.Type) {
  return {
    write: (message: Message) => Buffer.from(type.encode(type.fromObject(message)).finish()),
    read: (bytes: Buffer) => type.toObject(type.decode(bytes), { enums: String, bytes: Buffer }),
  };
}

/** A client of a gateway over these executors. */
async function withClient(
  executors: readonly InProcessExecutor[],
  test: (client: Client, running: RunningGateway) => Promise<void>,
): Promise<void> {
  await withGateway({ plan: { listeners: [{ port: 0, protocols: ['http', 'grpc'] }] }, executors }, async (running) => {
    const client = new Client(`127.0.0.1:${running.port}`, credentials.createInsecure());
    try {
      await test(client, running);
    } finally {
      client.close();
    }
  });
}

function unary(
  client: Client,
  path: string,
  types: readonly [request: protobuf.Type, response: protobuf.Type],
  message: Message,
): Promise<Message> {
  const [{ write }, { read }] = [coder(types[0]), coder(types[1])];
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, write, read, message, (error, answer) => {
      if (error === null) resolve(answer ?? {});
      else reject(error);
    });
  });
}

const dataTypes = [messageType('jina.DataRequestProto'), messageType('jina.DataRequestProto')] as const;

async function discover(client: Client): Promise<{ endpoints: string[]; schemas: { fields: JsonObject } }> {
  const types = [messageType('google.protobuf.Empty'), messageType('jina.EndpointsProto')] as const;
  const answer = await unary(client, '/jina.JinaDiscoverEndpointsRPC/endpoint_discovery', types, {});
  return answer as { endpoints: string[]; schemas: { fields: JsonObject } };
}

/** Asks the reflection service and gives its answers. */
async function reflect(client: Client, version: string, questions: readonly Message[]): Promise<Message[]> {
  const { write } = coder(messageType(`${version}.ServerReflectionRequest`));
  const { read } = coder(messageType(`${version}.ServerReflectionResponse`));
  const call = client.makeBidiStreamRequest(`/${version}.ServerReflection/ServerReflectionInfo`, write, read);
  for (const question of questions) call.write(question);
  call.end();
  const answers: Message[] = [];
  for await (const answer of call) answers.push(answer as Message);
  return answers;
}

describe('reflection over gRPC', () => {
  for (const version of reflections) {
    it(`of ${version} lists the services that Jina lists`, async () => {
      await withClient([echo], async (client) => {
        const [answer] = await reflect(client, version, [{ list_services: '*' }]);
        const names = [`${version}.ServerReflection`, ...jinaServices].map((name) => ({ name }));
        assert.deepEqual(answer?.['list_services_response'], { service: names });
      });
    });

    it(`of ${version} says enough to call a service of which the client knows nothing but its name`, async () => {
      await withClient([echo], async (client) => {
        const [answer] = await reflect(client, version, [{ file_containing_symbol: 'jina.JinaSingleDataRequestRPC' }]);
        const { file_descriptor_proto: files } = answer?.['file_descriptor_response'] as Record<string, Buffer[]>;
        const set = { file: files?.map((file) => descriptor.FileDescriptorProto.decode(file)) ?? [] };
        const root = (protobuf.Root as unknown as { fromDescriptor(from: object): protobuf.Root }).fromDescriptor(set);
        const method = root.lookupService('jina.JinaSingleDataRequestRPC').methods['process_single_data'];
        const types = [method?.requestType, method?.responseType].map((name) => root.lookupType(name ?? ''));
        const [request, response] = types;
        assert.ok(request && response);
        const sent = { header: { requestId: 'r', execEndpoint: '/encode' }, data: { docs: { docs: [{ text: 'ä' }] } } };
        const back = await unary(client, single, [request, response], sent);
        assert.match(JSON.stringify(back), /"ä"/);
      });
    });

    it(`of ${version} tells what there is not`, async () => {
      await withClient([echo], async (client) => {
        const questions = [
          { file_containing_symbol: 'jina.Nothing' },
          { file_by_filename: 'nothing.proto' },
          { file_containing_extension: { containing_type: 'jina.HeaderProto', extension_number: 7 } },
        ];
        const answers = await reflect(client, version, questions);
        const codes = answers.map((answer) => (answer['error_response'] as { error_code: number }).error_code);
        assert.deepEqual(codes, [status.NOT_FOUND, status.NOT_FOUND, status.NOT_FOUND]);
      });
    });
  }
});

describe('the health service', () => {
  it('serves every name that reflection lists, and no other', async () => {
    const root = protobuf.parse(
      'syntax = "proto3"; message Asked { string service = 1; } message Said { int32 status = 1; }',
    ).root;
    const types = [root.lookupType('Asked'), root.lookupType('Said')] as const;
    await withClient([echo], async (client) => {
      for (const service of ['', ...jinaServices, ...reflections.map((name) => `${name}.ServerReflection`)]) {
        const answer = await unary(client, '/grpc.health.v1.Health/Check', types, { service });
        assert.deepEqual(answer, { status: 1 }, service);
      }
      const unknown = unary(client, '/grpc.health.v1.Health/Check', types, { service: 'grpc.health.v1.Health' });
      await assert.rejects(unknown, { code: status.NOT_FOUND });
    });
  });
});

describe('discovery over gRPC', () => {
  it('lists every endpoint with its schema, the dry run and the default endpoint too', async () => {
    await withClient([echo, streamer], async (client) => {
      const { endpoints, schemas } = await discover(client);
      assert.deepEqual(endpoints.toSorted(), ['/default', '/encode', '/stream', '_jina_dry_run_']);
      assert.deepEqual(Object.keys(schemas.fields).toSorted(), endpoints.toSorted());
      const { fields } = (schemas.fields['/stream'] as { structValue: { fields: JsonObject } }).structValue;
      assert.deepEqual(fields['is_generator'], { boolValue: true });
      assert.match(JSON.stringify(fields['input']), /#\/definitions\/Tensor/);
    });
  });

  it('leads to a dry run that reaches no executor and says whether all are ready', async () => {
    await withClient([echo], async (client, { runtime }) => {
      const sent = {
        header: { request_id: 'r', exec_endpoint: '_jina_dry_run_' },
        data: { docs: { docs: [{ id: 'd' }] } },
      };
      const answer = await unary(client, single, dataTypes, sent);
      assert.equal((answer['header'] as Message)['status'], undefined);
      assert.deepEqual(
        (answer['routes'] as Message[]).map(({ executor }) => executor),
        ['gateway', 'echo'],
      );
      assert.equal(runtime.requests.length, 0);
      runtime.become('failed', new FlowError('executor_load_failed', 'no weights'));
      await assert.rejects(unary(client, single, dataTypes, sent), (error: ServiceError) => {
        assert.equal(error.code, status.UNAVAILABLE);
        assert.match(error.details, /executor echo is not ready/);
        return true;
      });
    });
  });
});

describe('metadata in the header of a request', () => {
  const sent = (metadata: Record<string, string>) => ({
    header: { request_id: 'r', exec_endpoint: '/encode', metadata },
    data: { docs: { docs: [{ id: 'd' }] } },
  });

  it('holds for this request alone and is never in an answer', async () => {
    await withClient([echo], async (client, { runtime }) => {
      const answer = await unary(client, single, dataTypes, sent({ 'X-Sluice-Priority': '9' }));
      await unary(client, single, dataTypes, sent({}));
      assert.deepEqual(
        runtime.requests.map(({ priority }) => priority),
        [9, 0],
      );
      assert.deepEqual(Object.keys(answer['header'] as Message).toSorted(), [
        'exec_endpoint',
        'request_id',
        'target_executor',
      ]);
    });
  });

  it('is refused where it cannot be read', async () => {
    await withClient([echo], async (client) => {
      const refused = unary(client, single, dataTypes, sent({ 'x-sluice-priority': 'high' }));
      await assert.rejects(refused, { code: status.INVALID_ARGUMENT });
    });
  });
});

describe('stream_doc over gRPC', () => {
  const breaks: InProcessExecutor = {
    ...streamer,
    streams: {
      '/stream': async function* (docs) {
        await Promise.resolve();
        yield* docs;
        throw new RangeError('no more');
      },
    },
  };

  async function stream(client: Client, endpoint: string): Promise<Message[]> {
    const { write, read } = coder(messageType('jina.SingleDocumentRequestProto'));
    const path = '/jina.JinaSingleDocumentRequestRPC/stream_doc';
    const sent = { header: { request_id: 'r', exec_endpoint: endpoint }, document: { id: 'd', text: 'a' } };
    const call = client.makeServerStreamRequest(path, write, read, sent);
    const answers: Message[] = [];
    for await (const answer of call) answers.push(answer as Message);
    return answers;
  }
  const textsOf = (answers: readonly Message[]) =>
    answers.map(({ document }) => (document as Message | undefined)?.['text']);

  it('gives each document as it is made, with the id of the request', async () => {
    await withClient([streamer], async (client) => {
      const answers = await stream(client, '/stream');
      assert.deepEqual(textsOf(answers), ['a 0', 'a 1', 'a 2']);
      assert.deepEqual(
        answers.map(({ header }) => header),
        Array(3).fill({ request_id: 'r' }),
      );
    });
  });

  it("ends with the executor's own failure as a message", async () => {
    await withClient([breaks], async (client) => {
      const answers = await stream(client, '/stream');
      assert.deepEqual(textsOf(answers), ['a', undefined]);
      assert.match(JSON.stringify(answers[1]), /RangeError\('no more'\)/);
    });
  });

  it('fails for an endpoint that gives one answer', async () => {
    await withClient([echo], async (client) => {
      await assert.rejects(stream(client, '/encode'), (error: ServiceError) => {
        assert.deepEqual(error.metadata.get('x-sluice-reason'), ['streaming_endpoint']);
        return true;
      });
    });
  });
});
