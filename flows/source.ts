/** Where in a file a value is, such as `['executors', 0, 'uses']`. */
export type FlowPath = readonly (string | number)[];

/** A place in a text; both from 1, or both 0 when there is no text. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Which part of a pair is meant. */
export type PairPart = 'key' | 'value';

/** A value and where it was read. */
export interface Source {
  /** The file as people named it; it begins every fault's line. */
  readonly file: string;
  /** Absolute folder that relative paths in the value start from. */
  readonly folder: string;
  readonly value: unknown;
  /** The place of a value or of its key; of the nearest value around it when it is not written. */
  locate(path: FlowPath, part?: PairPart): TextPosition;
  /** Where `text` begins inside the value at `path`; the place of the value when it is not there as it is. */
  locateText(path: FlowPath, text: string): TextPosition;
  /** Another value that was made of this one, with the same places. */
  withValue(value: unknown): Source;
}

/** A value that was made in code. */
export function valueSource(file: string, folder: string, value: unknown): Source {
  const nowhere = { line: 0, column: 0 };
  return {
    file,
    folder,
    value,
    locate: () => nowhere,
    locateText: () => nowhere,
    withValue: (other) => valueSource(file, folder, other),
  };
}
