import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommanderError } from 'commander';
import { exitCodeOf, exitCodes } from '../../../cli/exit-code.ts';
import { FlowError } from '../../../core/index.ts';

describe('exitCodeOf', () => {
  it('tells a wrong command line from help that was asked for', () => {
    assert.equal(exitCodeOf(new CommanderError(1, 'commander.unknownOption', '')), 2);
    assert.equal(exitCodeOf(new CommanderError(0, 'commander.helpDisplayed', '')), 0);
  });

  it('tells faults of a flow file, a service that is not there, and work that failed', () => {
    assert.equal(exitCodeOf(new FlowError('invalid_flow', '')), 3);
    assert.equal(exitCodeOf(new FlowError('connection_failed', '')), 4);
    assert.equal(exitCodeOf(new FlowError('executor_error', '')), 1);
    assert.equal(exitCodeOf(new TypeError('')), 1);
  });

  it('has a status of its own for every outcome', () => {
    const codes = Object.values(exitCodes).map(({ code }) => code);
    assert.equal(new Set(codes).size, codes.length);
  });
});
