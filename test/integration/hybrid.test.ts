import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, type Document } from '../../client/index.ts';
import { loadFlow, type RunningFlow, startFlow } from '../../index.ts';
import { type DataSet, readDataSet } from '../../jobs/index.ts';
import { minilm, skipWithoutMinilm } from '../fixtures/contexts/minilm.ts';

const file = fileURLToPath(new URL('../../flows/hybrid.yml', import.meta.url));
const abstracts = fileURLToPath(new URL('../../../shared/data/pubmedqa-l', import.meta.url));
const skipWithoutData: string | false =
  !existsSync(abstracts) && 'needs the data set pubmedqa-l in ../shared/data, which is not there';

const questions = 12;

describe('The shipped hybrid flow', { skip: skipWithoutMinilm || skipWithoutData }, () => {
  let workspace: string;
  let flow: RunningFlow | undefined;
  let client: Client | undefined;
  let data: DataSet;

  before(async () => {
    data = readDataSet(abstracts, questions);
    workspace = mkdtempSync(path.join(tmpdir(), 'sluice-hybrid-'));
    const env = { ...process.env, SLUICE_MODEL: minilm };
    const { plan } = await loadFlow(file, { env });
    flow = await startFlow(
      {
        ...plan,
        gateway: { ...plan.gateway, listeners: [{ port: 0, protocols: ['http'] }] },
        executors: plan.executors.map((executor) => ({ ...executor, workspace })),
      },
      { env },
    );
    client = new Client({ host: flow.urls[0] ?? '', timeoutMs: 120_000 });
    await client.index(data.corpus);
  });
  after(async () => {
    await client?.close();
    await flow?.stop();
    rmSync(workspace, { recursive: true, force: true });
  });

  async function search(text: string, parameters = {}): Promise<readonly Document[]> {
    const docs = await client?.search([{ text }], { parameters });
    return docs?.[0]?.matches ?? [];
  }

  it('finds the answers by both branches together', async () => {
    let first = 0;
    for (const { id, text = '' } of data.queries) {
      const matches = await search(text, { ranker__limit: 5 });
      assert.equal(matches.length, 5);
      const answer = matches.findIndex((match) => data.relevant.get(id)?.has(match.id));
      assert.deepEqual(Object.keys(matches[0]?.scores ?? {}).sort(), ['bm25', 'cosine', 'fusion_score']);
      assert.ok(answer >= 0, `question ${id}`);
      if (answer === 0) first++;
    }
    // One question shares no rare word with its answer, but has one with another text.
    assert.ok(first >= questions - 1, `${first} of ${questions} first`);
  });

  it('answers matches that only one branch found, with what the sum makes of them', async () => {
    const { text = '' } = data.corpus[0] ?? {};
    const word = text.split(' ').find((each) => /^[a-z]{8,}$/.test(each)) ?? '';
    const matches = await search(word, { limit: 100 });
    assert.equal(matches.length, data.corpus.length, 'vectors find every text');
    const withWord = matches.filter(({ scores }) => scores?.['bm25'] !== undefined);
    assert.ok(withWord.length > 0 && withWord.length < matches.length, `${withWord.length} have "${word}"`);
    const sums = matches.map(({ scores }) => scores?.['fusion_score']?.value ?? NaN);
    assert.deepEqual(
      sums,
      sums.toSorted((a, b) => b - a),
    );
  });

  it('pages through the fused list', async () => {
    const { text = '' } = data.queries[0] ?? {};
    const ids = (matches: readonly Document[]): string[] => matches.map(({ id }) => id);
    const all = ids(await search(text, { ranker__limit: 6 }));
    const pages = [
      await search(text, { ranker__limit: 3 }),
      await search(text, { ranker__limit: 3, ranker__offset: 3 }),
    ];
    assert.equal(all.length, 6);
    assert.deepEqual(pages.flatMap(ids), all);
  });

  it('keeps both branches alike when documents change and go', async () => {
    const [doc] = data.corpus;
    assert.ok(doc !== undefined);
    await client?.update([{ id: doc.id, text: 'zebras graze beside the xylophone' }]);
    const [found] = await search('xylophone zebras', { limit: 1 });
    assert.equal(found?.id, doc.id);
    assert.ok(found.scores?.['bm25'] !== undefined && found.scores['cosine'] !== undefined);
    await client?.post('/delete', [{ id: doc.id }]);
    const left = await search('xylophone zebras', { limit: 100 });
    assert.ok(!left.some(({ id, scores }) => id === doc.id || scores?.['bm25'] !== undefined));
  });
});
