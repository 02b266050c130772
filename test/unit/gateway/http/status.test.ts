import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError, type Reason } from '../../../../core/index.ts';
import { httpStatus, retryAfterSeconds, validationBody } from '../../../../gateway/http/status.ts';
import { isExecutorFault, pythonRepr, statusProto } from '../../../../gateway/status-proto.ts';

const thrown = new FlowError('executor_error', "it's wrong", {
  exception: { name: 'ValueError', args: ["it's wrong", 'b'], executor: 'Encoder' },
});

describe('HTTP status', () => {
  const table: readonly (readonly [Reason, number])[] = [
    ['invalid_argument', 422],
    ['malformed_json', 422],
    ['unsupported_media_type', 415],
    ['request_too_large', 413],
    ['unknown_path', 404],
    ['method_not_allowed', 405],
    ['unknown_endpoint', 404],
    ['queue_full', 429],
    ['deadline_exceeded', 504],
    ['cancelled', 499],
    ['draining', 503],
    ['not_ready', 503],
    ['executor_error', 500],
    ['worker_crashed', 503],
    ['executor_unavailable', 503],
    ['out_of_memory', 413],
    ['internal', 500],
  ];
  for (const [reason, status] of table) {
    it(`is ${status} for ${reason}`, () => assert.equal(httpStatus(new FlowError(reason, '')), status));
  }

  it('asks for another try where that helps, after the time that the queue names', () => {
    assert.equal(retryAfterSeconds(new FlowError('queue_full', '')), 1);
    assert.equal(retryAfterSeconds(new FlowError('queue_full', '', { details: { retryAfterMs: 2500 } })), 3);
    assert.equal(retryAfterSeconds(new FlowError('draining', '')), 1);
    assert.equal(retryAfterSeconds(new FlowError('request_too_large', '')), undefined);
    assert.equal(retryAfterSeconds(new FlowError('deadline_exceeded', '')), undefined);
  });
});

describe('statusProto', () => {
  it("shows an executor's own exception as Python does, and no stack", () => {
    assert.deepEqual(statusProto(thrown), {
      code: 1,
      description: `ValueError("it's wrong", 'b')`,
      exception: { name: 'ValueError', args: ["it's wrong", 'b'], stacks: [], executor: 'Encoder' },
    });
  });

  it('names our reason for errors of our own, also when they wrap a foreign one', () => {
    const error = FlowError.from(new TypeError('secret'), 'connection_failed', 'cannot connect');
    assert.deepEqual(statusProto(error), {
      code: 1,
      description: 'cannot connect: secret',
      exception: { name: 'connection_failed', args: ['cannot connect: secret'], stacks: [], executor: '' },
    });
  });

  it("takes for an executor's fault what it threw and what it returned, not that it could not be reached", () => {
    assert.ok(isExecutorFault(thrown));
    assert.ok(isExecutorFault(new FlowError('wrong_count', '')));
    assert.ok(!isExecutorFault(new FlowError('worker_crashed', '')));
    assert.ok(!isExecutorFault(new FlowError('queue_full', '')));
  });
});

describe('pythonRepr', () => {
  it('quotes like Python', () => {
    assert.equal(pythonRepr('plain'), "'plain'");
    assert.equal(pythonRepr("it's"), '"it\'s"');
    assert.equal(pythonRepr(`both ' and "`), `'both \\' and "'`);
    assert.equal(pythonRepr('a\\b\nc\td'), "'a\\\\b\\nc\\td'");
  });
});

describe('validationBody', () => {
  const at = (loc: (string | number)[], body?: unknown) => {
    const { detail } = validationBody(new FlowError('invalid_argument', 'why', { details: { loc } }), body);
    return detail;
  };

  it('names the path, in the words of FastAPI, and beside them what exactly is wrong', () => {
    assert.deepEqual(at(['parameters']), [
      {
        loc: ['body', 'parameters'],
        msg: 'value is not a valid dict',
        type: 'type_error.dict',
        ctx: { error: 'why' },
      },
    ]);
  });

  it('knows what each field should have been', () => {
    const typeAt = (...loc: (string | number)[]) => (at(loc) as { type: string }[])[0]?.type;
    assert.equal(typeAt('weight'), 'type_error.float');
    assert.equal(typeAt('granularity'), 'type_error.integer');
    assert.equal(typeAt('location'), 'type_error.list');
    assert.equal(typeAt('location', 1), 'type_error.float');
    assert.equal(typeAt('chunks', 0), 'type_error.dict');
    assert.equal(typeAt('embedding'), 'value_error');
    assert.equal(typeAt('header', 'timeout'), 'type_error.integer');
  });

  it('puts the fault of a header beside the body', () => {
    const error = new FlowError('invalid_argument', '', { details: { loc: ['x-sluice-timeout'], place: 'header' } });
    assert.deepEqual((validationBody(error, undefined)['detail'] as { loc: unknown }[])[0]?.loc, [
      'header',
      'x-sluice-timeout',
    ]);
  });
});
