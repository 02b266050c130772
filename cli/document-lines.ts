import type { Document, Tensor } from '../core/index.ts';

const shownNumbers = 4;
const shownMatches = 10;
const shownCharacters = 100;

/** A document as a few lines for people: what it holds, its matches with their scores. */
export function documentLines(doc: Document, index: number): string[] {
  const facts: string[] = [];
  if (doc.blob !== undefined) facts.push(`blob       ${doc.blob.byteLength} bytes`);
  if (doc.tensor !== undefined) facts.push(`tensor     ${tensorText(doc.tensor)}`);
  if (doc.embedding !== undefined) facts.push(`embedding  ${tensorText(doc.embedding)}`);
  if (doc.tags !== undefined && Object.keys(doc.tags).length > 0)
    facts.push(`tags       ${shorten(JSON.stringify(doc.tags))}`);
  if (doc.chunks !== undefined && doc.chunks.length > 0) facts.push(`chunks     ${doc.chunks.length}`);
  const matches = [...(doc.matches ?? [])];
  if (matches.length > 0) facts.push('matches');
  const rest = matches.length - shownMatches;
  return [
    `${index}  ${title(doc)}`,
    ...facts.map((fact) => `   ${fact}`),
    ...matches.slice(0, shownMatches).map((match) => `     ${scoreText(match)}  ${title(match)}`),
    ...(rest > 0 ? [`     and ${rest} more`] : []),
  ];
}

function title(doc: Document): string {
  if (doc.text !== undefined) return JSON.stringify(shorten(doc.text));
  return doc.uri ?? doc.id;
}

function tensorText({ dtype, shape, data }: Tensor): string {
  const numbers = [...data.subarray(0, shownNumbers)].map((value) => Number(value).toPrecision(3));
  return `${dtype}[${shape.join(', ')}]  ${numbers.join(' ')}${data.length > shownNumbers ? ' …' : ''}`;
}

function scoreText(doc: Document): string {
  const [score] = Object.values(doc.scores ?? {});
  return (score === undefined ? '' : score.value.toFixed(3)).padStart(6);
}

function shorten(text: string): string {
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}
