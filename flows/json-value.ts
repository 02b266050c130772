import { describeValue, isObject } from '../core/index.ts';
import type { FaultList } from './fault.ts';
import type { FlowPath, Source } from './source.ts';

/** Adds a fault for everything in `value` that JSON cannot carry; `undefined` stands for a key that is not there. */
export function refuseNonJson(value: unknown, path: FlowPath, source: Source, faults: FaultList): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseNonJson(item, [...path, index], source, faults);
  } else if (isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) {
    for (const [key, item] of Object.entries(value)) refuseNonJson(item, [...path, key], source, faults);
  } else if (!isPlain(value)) {
    faults.add(source, path, `expected a JSON value, got ${describeValue(value)}`);
  }
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || ['string', 'boolean', 'undefined'].includes(typeof value);
}
