import { FlowError, isObject } from '../core/index.ts';
import type { FlowPath, PairPart, Source } from './source.ts';

/** One thing that is wrong in a flow file, or in a file that it names. */
export interface Fault {
  /** The file as it was named by whoever asked for it. */
  readonly file: string;
  /** From 1; 0 when the fault is in a flow that was built in code and has no text. */
  readonly line: number;
  /** From 1; 0 as for `line`. */
  readonly column: number;
  /** Where in the file, such as `executors[0].uses`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Collects faults while a flow is read, so that all of them are told at once. */
export class FaultList {
  private readonly faults: Fault[] = [];
  /** Places that are known to be wrong already, so that what follows from it is not told too. */
  private readonly settled = new Set<string>();

  get isEmpty(): boolean {
    return this.faults.length === 0;
  }

  get count(): number {
    return this.faults.length;
  }

  all(): readonly Fault[] {
    return this.faults;
  }

  /** Adds a fault about the value (or the key) at `path` of `source`. */
  add(source: Source, path: FlowPath, message: string, part: PairPart = 'value'): void {
    if (this.settled.has(placeText(source, path))) return;
    const { line, column } = source.locate(path, part);
    this.addAt(source, { line, column }, message, path);
  }

  /** Adds a fault at a position of the text. */
  addAt(source: Source, position: { line: number; column: number }, message: string, path: FlowPath = []): void {
    this.faults.push({ file: source.file, ...position, path: flowPathText(path), message });
  }

  /** From now on faults at `path` of `source` are left out: they would only follow from one that is noted. */
  settle(source: Source, path: FlowPath): void {
    this.settled.add(placeText(source, path));
  }

  /** An `invalid_flow` with every fault in its message and in `details.faults`, file by file and line by line. */
  toError(): FlowError {
    const sorted = sortFaults(this.faults);
    return new FlowError('invalid_flow', sorted.map(faultText).join('\n'), {
      details: { faults: sorted.map((fault) => ({ ...fault })) },
    });
  }
}

/** `executors[0].uses_with`. */
export function flowPathText(path: FlowPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index ? '.' : ''}${step}`)).join('');
}

function placeText(source: Source, path: FlowPath): string {
  return `${source.file}\n${flowPathText(path)}`;
}

/** The faults that an `invalid_flow` error carries; empty for any other error. */
export function faultsOf(error: unknown): readonly Fault[] {
  if (!(error instanceof FlowError) || error.reason !== 'invalid_flow') return [];
  const { faults } = error.details;
  return Array.isArray(faults) ? faults.filter(isFault) : [];
}

/**
 * The faults for people: each with its source line and a caret below the column.
 *
 * @param textOf gives the text of a file; where it gives undefined, the line is left out
 */
export function formatFaults(faults: readonly Fault[], textOf: (file: string) => string | undefined): string {
  return faults
    .map((fault) => {
      const line = fault.line === 0 ? undefined : textOf(fault.file)?.split(/\r?\n/)[fault.line - 1];
      if (line === undefined) return faultText(fault);
      const margin = String(fault.line);
      // Tabs keep their width, so that the caret stays below its character.
      const indent = line.slice(0, fault.column - 1).replace(/[^\t]/g, ' ');
      return `${faultText(fault)}\n  ${margin} | ${line}\n  ${' '.repeat(margin.length)} | ${indent}^`;
    })
    .join('\n');
}

function faultText(fault: Fault): string {
  if (fault.line === 0) return `${fault.file}: ${fault.message}${fault.path === '' ? '' : ` (at ${fault.path})`}`;
  return `${fault.file}:${fault.line}:${fault.column}: ${fault.message}`;
}

/** By file (the flow file first, then in the order they were met), then by position. */
function sortFaults(faults: readonly Fault[]): Fault[] {
  const files = [...new Set(faults.map((fault) => fault.file))];
  return [...faults].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

function isFault(value: unknown): value is Fault & Record<string, string | number> {
  return isObject(value) && typeof value['message'] === 'string' && typeof value['line'] === 'number';
}
