import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DocumentArray, type DocumentFields } from '../../core/index.ts';
import { TextMatcher } from '../../executors/text-matcher/index.ts';
import { executorContext, RecordedCall } from '../fixtures/contexts/executor-context.ts';

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const skip: string | false = !existsSync(data) && 'needs the data sets in ../shared/data, which are not there';

type Line = Readonly<Record<string, string>>;

interface Collection {
  readonly name: string;
  readonly corpus: string;
  readonly queries: string;
  /** Text that a line of the corpus is found by. */
  readonly textOf: (line: Line) => string;
  /** Judgements; without them a match of the same `intent` is right. */
  readonly judgements?: string;
  /** Percent of queries whose first match is right, with BM25, as the data's README states it. */
  readonly floor: number;
}

const collections: readonly Collection[] = [
  {
    name: 'English abstracts (pubmedqa-l)',
    corpus: 'pubmedqa-l/corpus.jsonl',
    queries: 'pubmedqa-l/queries.jsonl',
    textOf: ({ text = '' }) => text,
    judgements: 'pubmedqa-l/qrels/test.tsv',
    floor: 95.2,
  },
  {
    name: 'Chinese questions of patients (cmed-qa)',
    corpus: 'cmed-qa/docs.jsonl',
    queries: 'cmed-qa/queries.jsonl',
    textOf: ({ question = '' }) => question,
    judgements: 'cmed-qa/qrels/test.tsv',
    floor: 46,
  },
  {
    name: 'Chinese Wikipedia passages (cmrc2018)',
    corpus: 'cmrc2018/corpus.jsonl',
    queries: 'cmrc2018/queries.dev.jsonl',
    textOf: ({ title = '', text = '' }) => `${title} ${text}`,
    judgements: 'cmrc2018/qrels/dev.tsv',
    floor: 96.37,
  },
  {
    name: 'short English questions (banking77)',
    corpus: 'banking77/train.jsonl',
    queries: 'banking77/test.jsonl',
    textOf: ({ text = '' }) => text,
    floor: 80.75,
  },
];

describe('The text matcher finds as well as the known BM25 of each collection:', { skip }, () => {
  for (const collection of collections) {
    it(collection.name, () => {
      const workspace = mkdtempSync(path.join(tmpdir(), 'sluice-floors-'));
      const matcher = new TextMatcher(TextMatcher.options.parse({ limit: 1 }), executorContext({ workspace }));
      matcher.init();
      try {
        const percent = firstMatchesRight(matcher, collection);
        assert.ok(Math.abs(percent - collection.floor) <= 1, `${percent.toFixed(2)} %, not ${collection.floor} %`);
      } finally {
        matcher.close();
        rmSync(workspace, { recursive: true });
      }
    });
  }
});

function firstMatchesRight(matcher: TextMatcher, collection: Collection): number {
  const corpus = lines(collection.corpus);
  run(
    corpus.map((line) => ({ id: idOf(line), text: collection.textOf(line) })),
    '/index',
    (docs, call) => {
      matcher.index(docs, call);
    },
  );
  const isRight = judge(collection, corpus);
  const queries = lines(collection.queries);
  const asked = run(
    queries.map((line) => ({ id: idOf(line), text: line['text'] ?? '' })),
    '/search',
    (docs, call) => {
      matcher.search(docs, call);
    },
  );
  const right = queries.filter((query, place) => isRight(query, asked[place]?.matches?.[0]?.id ?? ''));
  return (100 * right.length) / queries.length;
}

function run(
  inputs: readonly DocumentFields[],
  endpoint: string,
  work: (docs: DocumentArray, call: RecordedCall) => void,
): DocumentArray {
  const docs = DocumentArray.fromInputs(inputs);
  work(docs, new RecordedCall(endpoint, docs));
  return docs;
}

function judge({ judgements }: Collection, corpus: readonly Line[]): (query: Line, match: string) => boolean {
  if (judgements !== undefined) {
    const pairs = new Set(
      readFileSync(data + judgements, 'utf8')
        .split('\n')
        .map((line) => line.split('\t').slice(0, 2).join('\t')),
    );
    return (query, match) => pairs.has(`${idOf(query)}\t${match}`);
  }
  const intents = new Map(corpus.map((line) => [idOf(line), line['intent']]));
  return (query, match) => intents.get(match) === query['intent'];
}

function idOf(line: Line): string {
  return line['_id'] ?? line['id'] ?? '';
}

function lines(file: string): Line[] {
  return readFileSync(data + file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}
