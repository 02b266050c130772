import type { FaultList } from './fault.ts';
import type { FlowPath, Source } from './source.ts';

/**
 * The value of a key that has several names; undefined when none is written.
 *
 * A second name beside the first is a fault: one of them would be ignored.
 */
export function readAlias<Keys extends object, Name extends keyof Keys & string>(
  checked: Keys,
  names: readonly Name[],
  source: Source,
  path: FlowPath,
  faults: FaultList,
): Keys[Name] | undefined {
  const [first, ...others] = names.filter((name) => (checked[name] ?? null) !== null);
  for (const other of others) {
    faults.add(source, [...path, other], `${other} is another name of ${String(first)}; write one of them`, 'key');
  }
  return first === undefined ? undefined : checked[first];
}
