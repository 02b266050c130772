import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { typesText } from '../../../cli/endpoint-types.ts';

describe('typesText', () => {
  it('writes one property for each endpoint, with the parameters that are known', () => {
    const text = typesText('photo-search', [
      { name: '/encode', executors: ['tokenizer', 'encoder'], perRequest: new Set() },
      { name: '/search', executors: ['indexer'], perRequest: new Set(['limit', 'top-k']) },
    ]);
    assert.equal(
      text,
      `// Written by \`sluice types\`; write it again when the flow changes.

/** Endpoints of the flow photo-search: \`new Client<PhotoSearchEndpoints>({ host })\`. */
export interface PhotoSearchEndpoints {
  /** Served by tokenizer, encoder. */
  '/encode': { readonly parameters: { readonly [name: string]: unknown } };
  /** Served by indexer. */
  '/search': { readonly parameters: { readonly limit?: unknown; readonly "top-k"?: unknown; readonly [name: string]: unknown } };
}
`,
    );
  });

  it('lets every endpoint be called when an executor takes all', () => {
    const text = typesText('1st', [{ name: '/default', executors: ['echo'], perRequest: new Set() }]);
    assert.match(text, /export interface Flow1stEndpoints/);
    assert.match(text, /\[endpoint: `\/\$\{string\}`\]:/);
  });
});
