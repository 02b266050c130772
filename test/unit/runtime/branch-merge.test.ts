import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DocumentArray, type DocumentFields } from '../../../core/index.ts';
import { mergeBranches } from '../../../runtime/branch-merge.ts';

function found(matches: readonly DocumentFields[]): DocumentArray {
  return DocumentArray.fromInputs([{ id: 'query', matches: DocumentArray.fromInputs(matches) }]);
}

describe('Branches that meet', () => {
  it('give each match the scores of all branches that found it', () => {
    const [first, second] = [
      found([
        { id: 'both', scores: { cosine: { value: 0.9 } } },
        { id: 'near', scores: { cosine: { value: 0.5 } } },
      ]),
      found([
        { id: 'words', scores: { bm25: { value: 7 } } },
        { id: 'both', text: 'a text', scores: { bm25: { value: 3 } } },
      ]),
    ];
    const matches = mergeBranches([first, second])[0]?.matches ?? [];
    assert.deepEqual(
      matches.map(({ id, text, scores }) => ({ id, text, scores })),
      [
        { id: 'both', text: 'a text', scores: { cosine: { value: 0.9 }, bm25: { value: 3 } } },
        { id: 'near', text: undefined, scores: { cosine: { value: 0.5 } } },
        { id: 'words', text: undefined, scores: { bm25: { value: 7 } } },
      ],
    );
    assert.deepEqual(first[0]?.matches?.[0]?.scores, { cosine: { value: 0.9 } }, 'the branch itself stays as it was');
  });

  it('keep the score of the first branch where both give one by the same name', () => {
    const merged = mergeBranches([
      found([{ id: 'a', scores: { cosine: { value: 1 } } }]),
      found([{ id: 'a', scores: { cosine: { value: 2 } } }]),
    ]);
    assert.deepEqual(merged[0]?.matches?.[0]?.scores, { cosine: { value: 1 } });
  });
});
