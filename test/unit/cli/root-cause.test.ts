import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diagnose, rootStack } from '../../../cli/root-cause.ts';
import { FlowError } from '../../../core/index.ts';

describe('diagnose', () => {
  it('puts the innermost error first and what was being done after it', () => {
    const missing = new Error('ENOENT: no such file, open model.onnx');
    const loading = new FlowError('executor_load_failed', 'encoder: cannot load its weights', { cause: missing });
    const starting = new FlowError('executor_unavailable', 'cannot start flow search', { cause: loading });
    assert.deepEqual(diagnose(starting), {
      cause: 'ENOENT: no such file, open model.onnx',
      during: ['encoder: cannot load its weights', 'cannot start flow search'],
    });
  });

  it('says a message once that an outer error repeats', () => {
    const inner = new Error('permission denied');
    const outer = FlowError.from(inner, 'file_not_found', 'cannot read flow.yml');
    assert.deepEqual(diagnose(outer), { cause: 'permission denied', during: ['cannot read flow.yml'] });
  });

  it('names the class of the error where that says something', () => {
    assert.equal(diagnose(new TypeError('x is not a function')).cause, 'TypeError: x is not a function');
    const exception = { name: 'RangeError', args: ['too long'], executor: 'Encoder' };
    assert.equal(diagnose(new FlowError('executor_error', 'too long', { exception })).cause, 'RangeError: too long');
  });

  it('reads the first of several errors that happened together', () => {
    const refused = new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('connect ECONNREFUSED')]);
    assert.equal(diagnose(refused).cause, 'connect ECONNREFUSED ::1:1');
  });

  it('takes what is thrown that is no error', () => {
    assert.deepEqual(diagnose('broken'), { cause: 'broken', during: [] });
    assert.equal(rootStack('broken'), undefined);
  });

  it('puts first what another process threw, of which only name and message came', () => {
    const exception = { name: 'TypeError', args: ['x is undefined'], executor: 'Encoder' };
    const error = new FlowError('executor_load_failed', 'encoder: cannot import it: x is undefined', { exception });
    assert.deepEqual(diagnose(error), { cause: 'TypeError: x is undefined', during: ['encoder: cannot import it'] });
    assert.equal(rootStack(error), undefined);
  });

  it('ends on a chain that goes round', () => {
    const error = new Error('round');
    error.cause = error;
    assert.equal(diagnose(error).cause, 'round');
  });
});
