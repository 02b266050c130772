import { type Document, FlowError } from '../../core/index.ts';

interface Step {
  readonly kind: 'r' | 'c' | 'm';
  /** Which documents of each level; default all. */
  readonly pick: ((docs: readonly Document[]) => readonly Document[]) | undefined;
}

const stepForm = /([rcm])(?:\[([^\]]*)\])?/y;

/** Which documents of a request are meant, as docarray writes it; see {@link parseAccessPaths}. */
export type AccessPaths = (roots: readonly Document[]) => Document[];

/**
 * Reads access paths: `@` and one or more paths parted by commas; a path is `r` (the documents), or `c` (their chunks)
 * and `m` (their matches) one after another, each with a Python index or slice behind it if wanted: `@r`, `@m`,
 * `@c[0:2]`, `@r,cm[:3]`.
 *
 * @throws `invalid_argument` when the text is no such path
 */
export function parseAccessPaths(text: string): AccessPaths {
  const wrong = (what: string): FlowError =>
    new FlowError('invalid_argument', `access_paths: expected paths such as @r, @c or @m[0:2], got "${what}"`);
  if (!text.startsWith('@')) throw wrong(text);
  const paths = text
    .slice(1)
    .split(',')
    .map((path) => {
      const steps: Step[] = [];
      const trimmed = path.trim();
      stepForm.lastIndex = 0;
      while (stepForm.lastIndex < trimmed.length) {
        const [, kind, range] = stepForm.exec(trimmed) ?? [];
        if (kind !== 'r' && kind !== 'c' && kind !== 'm') throw wrong(text);
        const pick = range === undefined ? undefined : parseRange(range);
        if (range !== undefined && pick === undefined) throw wrong(text);
        steps.push({ kind, pick });
      }
      if (steps.length === 0) throw wrong(text);
      return steps;
    });
  // A document that two paths lead to is meant once.
  return (roots) => [...new Set(paths.flatMap((steps) => follow(steps, roots)))];
}

function follow(steps: readonly Step[], roots: readonly Document[]): Document[] {
  let levels: readonly (readonly Document[])[] = [roots];
  for (const { kind, pick } of steps) {
    const next = kind === 'r' ? levels : levels.flatMap((docs) => docs.map((doc) => below(doc, kind)));
    levels = pick === undefined ? next : next.map(pick);
  }
  return levels.flat();
}

function below(doc: Document, kind: 'c' | 'm'): readonly Document[] {
  return (kind === 'c' ? doc.chunks : doc.matches) ?? [];
}

function parseRange(text: string): Step['pick'] {
  if (/^-?\d+$/.test(text)) {
    const index = Number(text);
    return (docs) => docs.slice(index, index === -1 ? undefined : index + 1);
  }
  const range = /^(-?\d+)?:(-?\d+)?(?::([1-9]\d*)?)?$/.exec(text);
  if (range === null) return undefined;
  const [, start, end, step] = range;
  const every = Number(step ?? 1);
  return (docs) =>
    docs
      .slice(start === undefined ? 0 : Number(start), end === undefined ? undefined : Number(end))
      .filter((_doc, index) => index % every === 0);
}
