import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DocumentArray } from '../../../../core/index.ts';
import { readResult } from '../../../../runtime/worker/result.ts';
import type { EndpointManifest } from '../../../../runtime/wire/index.ts';

const endpoint = { name: '/x', changesCount: false } as EndpointManifest;

describe('what an endpoint returns', () => {
  it('may be documents made with another copy of the package', async () => {
    // Another address makes another copy; a variable, for the compiler knows no such file.
    const address = new URL('../../../../core/document.ts?copy', import.meta.url).href;
    const copy = (await import(address)) as typeof import('../../../../core/document.ts');
    const other = new copy.Document({ id: 'a', text: 'other' });
    const read = readResult([other], DocumentArray.fromInputs(['x']), endpoint, 'Test');
    assert.ok('docs' in read);
    assert.equal(read.docs[0]?.text, 'other');
  });

  it('is refused when it only looks like documents', () => {
    assert.throws(() => readResult([{ id: 'a' }], DocumentArray.fromInputs(['x']), endpoint, 'Test'), {
      reason: 'invalid_result',
    });
  });
});
