import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ParsedNode,
  type ScalarTag,
  stringify,
  visit,
  type Document,
} from 'yaml';
import { FlowError } from '../core/index.ts';
import type { FaultList } from './fault.ts';
import { refuseNonJson } from './json-value.ts';
import type { FlowPath, PairPart, Source, TextPosition } from './source.ts';

/**
 * `yes`, `no` and `off` are booleans, as in YAML 1.1; `on` is text, so that it can be a key (Jina's rule).
 * Everything else is YAML 1.2.
 */
const yesNoOff: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:yes|Yes|YES|no|No|NO|off|Off|OFF)$/,
  identify: () => false,
  resolve: (text) => text.toLowerCase() === 'yes',
};

/** Text that {@link readYaml} reads back as the same value. */
export function writeYaml(value: unknown): string {
  return stringify(value, { customTags: (tags) => [yesNoOff, ...tags], lineWidth: 120, aliasDuplicateObjects: false });
}

/**
 * Reads YAML text. Faults of syntax, duplicate keys and unknown tags go to `faults`.
 *
 * @returns undefined when the syntax is so broken that its content cannot be judged
 */
export function readYaml(text: string, file: string, folder: string, faults: FaultList): Source | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    customTags: (tags) => [yesNoOff, ...tags],
  });
  const source = new YamlSource(document, lines, text, file, folder);
  for (const error of document.errors) {
    const message = error.code === 'DUPLICATE_KEY' ? duplicateKeyText(text, error.pos[0]) : error.message;
    faults.addAt(source, source.positionAt(error.pos[0]), message);
  }
  const isReadable = document.errors.every((error) => error.code === 'DUPLICATE_KEY');
  if (!isReadable) return undefined;
  readTags(document, source, faults);
  try {
    source.value = document.toJS();
  } catch (error) {
    // Aliases that repeat without end, or that name nothing.
    faults.add(source, [], FlowError.from(error, 'invalid_flow', 'cannot read the YAML').message);
    return undefined;
  }
  refuseNonJson(source.value, [], source, faults);
  return source;
}

class YamlSource implements Source {
  value: unknown = undefined;
  readonly file: string;
  readonly folder: string;
  private readonly document: Document.Parsed;
  private readonly lines: LineCounter;
  private readonly text: string;

  constructor(document: Document.Parsed, lines: LineCounter, text: string, file: string, folder: string) {
    this.document = document;
    this.lines = lines;
    this.text = text;
    this.file = file;
    this.folder = folder;
  }

  withValue(value: unknown): YamlSource {
    const other = new YamlSource(this.document, this.lines, this.text, this.file, this.folder);
    other.value = value;
    return other;
  }

  positionAt(offset: number): TextPosition {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  locate(path: FlowPath, part: PairPart = 'value'): TextPosition {
    return this.positionAt(this.rangeOf(path, part)[0]);
  }

  locateText(path: FlowPath, text: string): TextPosition {
    const [start, end] = this.rangeOf(path, 'value');
    const offset = this.text.indexOf(text, start);
    return this.positionAt(offset >= 0 && offset < end ? offset : start);
  }

  private rangeOf(path: FlowPath, part: PairPart): readonly [start: number, end: number] {
    let node: unknown = this.document.contents;
    let range = rangeOfNode(node) ?? [0, this.text.length];
    for (const [index, step] of path.entries()) {
      const found = childOf(this.resolve(node), step, (alias) => this.resolve(alias));
      if (found === undefined) break;
      const isLast = index === path.length - 1;
      node = found.value;
      // A key without a value has no place of its own: the key stands for it.
      range = (isLast && part === 'key' ? undefined : rangeOfNode(node)) ?? rangeOfNode(found.key) ?? range;
    }
    return range;
  }

  private resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.document) : node;
  }
}

interface Child {
  readonly key: unknown;
  readonly value: unknown;
}

function childOf(node: unknown, step: string | number, resolve: (node: unknown) => unknown): Child | undefined {
  if (isSeq(node) && typeof step === 'number') return { key: undefined, value: node.items[step] };
  if (!isMap(node)) return undefined;
  // The last of two equal keys is the one whose value counts.
  const pair = node.items.findLast((item) => keyText(item) === String(step));
  if (pair !== undefined) return { key: pair.key, value: pair.value };
  for (const merge of node.items.filter((item) => keyText(item) === '<<')) {
    const found = childOf(resolve(merge.value), step, resolve);
    if (found !== undefined) return found;
  }
  return undefined;
}

function keyText(pair: Pair): string | undefined {
  if (!isScalar(pair.key)) return undefined;
  // A merge key is a symbol.
  const { value } = pair.key;
  return typeof value === 'symbol' ? value.description : String(value);
}

function rangeOfNode(node: unknown): readonly [number, number] | undefined {
  const range = (node as Partial<ParsedNode> | null | undefined)?.range;
  // An empty value has an empty range, somewhere after its key.
  return range && range[1] > range[0] ? [range[0], range[1]] : undefined;
}

const coreTag = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq|merge)$/;

/** `!Flow` before an object is the old way to write `jtype: Flow`; any other tag is a fault. */
function readTags(document: Document.Parsed, source: YamlSource, faults: FaultList): void {
  visit(document, {
    Node(_key, node: Node) {
      const tag = node.tag;
      if (tag === undefined || tag === '!' || coreTag.test(tag)) return undefined;
      if (isMap(node) && /^![A-Za-z_]\w*$/.test(tag)) {
        if (!node.has('jtype')) node.add(document.createPair('jtype', tag.slice(1)));
      } else if (isScalar(node) && node.value === '' && tag.startsWith('!')) {
        // `uses: !Echo` with nothing behind it: a class name alone.
        node.value = tag.slice(1);
      } else {
        const offset = node.range?.[0] ?? 0;
        faults.addAt(source, source.positionAt(offset), `unknown tag ${tag}; only a class name, as in !Flow, is known`);
      }
      return undefined;
    },
  });
}

function duplicateKeyText(text: string, offset: number): string {
  const key = /^[^:\r\n]*/.exec(text.slice(offset))?.[0].trim() ?? '';
  return `the key ${key} is written twice`;
}
