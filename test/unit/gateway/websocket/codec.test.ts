import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Document, DocumentArray, documentsToJson, FlowError, type FlowResponse } from '../../../../core/index.ts';
import { chooseProtocol, type Format, type Incoming, readFrame } from '../../../../gateway/websocket/codec.ts';
import { decodeDataRequest, documentsMessage, documentsOf, encodeDataRequest } from '../../../../proto/index.ts';
import { documentArrays } from '../../../fixtures/arbitrary-documents.ts';
import type { JsonAnswer } from '../../../fixtures/socket-client.ts';

const span = { startMs: 1, endMs: 5 };

function read(content: string | Uint8Array, format: Format = 'json') {
  return readFrame({ bytes: Buffer.from(content), isBinary: typeof content !== 'string' }, format, {});
}

function requestOf(content: string | Uint8Array, format?: Format): Incoming {
  const received = read(content, format);
  assert.equal(received.type, 'request');
  return received.request;
}

/** The answer of a flow that gives documents back as they came. */
function echoOf(request: Incoming): FlowResponse {
  const { endpoint, parameters, docs } = request.call();
  return { requestId: 'fresh', endpoint, parameters, docs, routes: [{ executor: 'skipped', startMs: 2 }] };
}

function jsonOf(text: string | Uint8Array): JsonAnswer {
  return JSON.parse(String(text)) as JsonAnswer;
}

describe('sub-protocols', () => {
  it('are JSON before bytes, and nothing else is echoed', () => {
    const cases: [string[], Format | undefined][] = [
      [['json'], 'json'],
      [['bytes'], 'bytes'],
      [['bytes', 'json'], 'json'],
      [['soap', 'bytes'], 'bytes'],
      [['soap'], undefined],
      [[], undefined],
    ];
    for (const [offered, chosen] of cases) assert.equal(chooseProtocol(new Set(offered)), chosen, offered.join());
  });
});

describe('frames of JSON', () => {
  it('come back with their id, whatever text it is, and with every value of their documents', () => {
    fc.assert(
      fc.property(documentArrays, fc.string({ unit: 'grapheme', minLength: 1 }), (docs, requestId) => {
        const data = documentsToJson(docs, 'base64');
        const header = { request_id: requestId, metadata: { accept: 'application/json;tensors=base64' } };
        const request = requestOf(JSON.stringify({ header, data, execEndpoint: '/e', parameters: { k: [1] } }));
        const answer = jsonOf(request.answer(echoOf(request), span));
        assert.deepEqual(answer.header, { request_id: requestId, exec_endpoint: '/e', target_executor: '' });
        assert.deepEqual(answer.parameters, { k: [1] });
        assert.deepEqual(answer.data, data);
      }),
      { endOnFailure: true },
    );
  });

  it('that are broken are an invalid argument, and nothing else', () => {
    const whole = JSON.stringify({
      header: { request_id: 'r', timeout: 5, metadata: { 'x-sluice-priority': '3' } },
      data: [{ id: 'a', text: 'ä', embedding: [1, 2], tags: { t: 1 }, chunks: [{ id: 'c' }] }],
      parameters: { p: 1 },
      targetExecutor: 'e',
    });
    assertRefusesMutations(Buffer.from(whole), 'json');
  });

  it('get an id where they bring none, times in UTC, and no key for what is missing', () => {
    const request = requestOf('{"data":[{"id":"a"}]}');
    const { header, routes = [], parameters } = jsonOf(request.answer(echoOf(request), span));
    assert.deepEqual(header, { request_id: 'fresh', exec_endpoint: '/', target_executor: '' });
    assert.deepEqual(parameters, {});
    const [own, skipped] = routes;
    assert.deepEqual(Object.keys(own ?? {}), ['executor', 'start_time', 'end_time']);
    assert.deepEqual(Object.keys(skipped ?? {}), ['executor', 'start_time']);
    assert.match(own?.end_time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('carry the status of what failed, in the route too, and no documents of who asks too much', () => {
    const request = requestOf('{"header":{"requestId":"r"},"data":[{"id":"a"}]}');
    const error = new FlowError('executor_error', 'no', {
      exception: { name: 'TypeError', args: ['no'], executor: 'E' },
    });
    const response = { ...echoOf(request), error, routes: [{ executor: 'e', startMs: 2, endMs: 3, error }] };
    const answer = jsonOf(request.answer(response, span));
    const status = {
      code: 1,
      description: "TypeError('no')",
      exception: { name: 'TypeError', args: ['no'], stacks: [], executor: 'E' },
    };
    assert.deepEqual(answer.header, { request_id: 'r', status, exec_endpoint: '/', target_executor: '' });
    assert.deepEqual(Object.entries(answer.routes?.[1] ?? {}).at(-1), ['status', status]);
    assert.equal(answer.data.length, 1);
    const full = jsonOf(request.answer({ ...response, error: new FlowError('queue_full', 'full') }, span));
    assert.equal(full.header.status?.exception.name, 'queue_full');
    assert.deepEqual([full.data, full.routes], [[], []]);
  });

  it('say the end, a cancellation, or a request', () => {
    assert.deepEqual(read('{}'), { type: 'end' });
    assert.deepEqual(read(' { } '), { type: 'end' });
    assert.deepEqual(read('{"cancel":"r"}'), { type: 'cancel', requestId: 'r' });
    assert.equal(read('{"cancel":"r","data":[]}').type, 'request');
    assert.equal(read('{"cancel":5}').type, 'request');
  });

  it('ask for documents one by one by an id and the type of event streams', () => {
    const stream = { accept: 'text/event-stream' };
    const named = requestOf(JSON.stringify({ header: { request_id: 'r', metadata: stream }, execEndpoint: '/s' }));
    assert.ok(named.part);
    const part = jsonOf(named.part(new Document({ id: 'd' }), 'fresh'));
    assert.deepEqual(part.header, { request_id: 'r', exec_endpoint: '/s', target_executor: '' });
    assert.deepEqual(Object.keys(part), ['header', 'data']);
    assert.equal(requestOf(JSON.stringify({ header: { metadata: stream } })).part, undefined);
    assert.equal(requestOf(JSON.stringify({ header: { request_id: 'r' } })).part, undefined);
  });

  it('must be text, and hold an object', () => {
    assert.throws(() => read(Buffer.from('{"data":[]}')), /expected text frames with JSON, got a binary frame/);
    for (const text of ['[1,2]', '5', 'null', '"x"']) assert.throws(() => read(text), /expected a JSON object/, text);
    assert.throws(() => read(''), /expected a JSON body, got none/);
    assert.throws(() => read('{"data": ['), { reason: 'malformed_json' });
  });
});

describe('frames of bytes', () => {
  it('come back with their id and with every document, as over gRPC', () => {
    fc.assert(
      fc.property(documentArrays, fc.string({ minLength: 1 }), (docs, requestId) => {
        const data = documentsMessage(docs);
        const bytes = encodeDataRequest({ header: { request_id: requestId, exec_endpoint: '/e' }, data });
        const request = requestOf(bytes, 'bytes');
        assert.equal(request.requestId, requestId);
        const answer = decodeDataRequest(request.answer(echoOf(request), span) as Uint8Array);
        assert.equal(answer.header?.request_id, requestId);
        // There and back: numbers become float32 on the wire, and what that makes zero is left out on the way back.
        const there = documentsOf(decodeDataRequest(bytes));
        const back = documentsOf(decodeDataRequest(encodeDataRequest({ data: documentsMessage(there) })));
        assert.deepEqual(documentsToJson(documentsOf(answer), 'base64'), documentsToJson(back, 'base64'));
      }),
      { endOnFailure: true },
    );
  });

  it('that are broken are an invalid argument, and nothing else', () => {
    const docs = DocumentArray.fromInputs([
      { id: 'a', text: 'ä', tags: { t: [1, null] }, chunks: DocumentArray.fromInputs([{ id: 'c' }]) },
    ]);
    const header = { request_id: 'r', exec_endpoint: '/e', timeout: 5 };
    assertRefusesMutations(Buffer.from(encodeDataRequest({ header, data: documentsMessage(docs) })), 'bytes');
  });

  it('say the end by one zero byte', () => {
    assert.deepEqual(read(Buffer.of(0), 'bytes'), { type: 'end' });
    assert.throws(() => read(Buffer.of(1), 'bytes'), { reason: 'invalid_argument' });
  });

  it('must be binary and not empty', () => {
    assert.throws(() => read('{}', 'bytes'), /expected binary frames with a jina\.DataRequestProto, got a text frame/);
    assert.throws(() => read(Buffer.alloc(0), 'bytes'), /got no bytes/);
  });
});

/** Frames with changed, missing or additional bytes are read, or refused as what the caller did wrong. */
function assertRefusesMutations(whole: Buffer, format: Format): void {
  const places = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(places, fc.nat(whole.length), fc.uint8Array({ maxLength: 4 }), (changes, length, tail) => {
      const bytes = Buffer.from(whole);
      for (const [index, value] of changes) bytes[index] = value;
      const mutated = Buffer.concat([length % 3 === 0 ? bytes : bytes.subarray(0, length), tail]);
      try {
        const received = readFrame({ bytes: mutated, isBinary: format === 'bytes' }, format, {});
        if (received.type === 'request') received.request.call();
      } catch (error) {
        assert.ok(error instanceof FlowError, String(error));
        assert.equal(error.code, 'invalid_argument', error.message);
      }
    }),
    { endOnFailure: true, numRuns: 500 },
  );
}
