/** Executors that ship with Sluice; each is the folder `executors/<name in kebab case>`. */
export const builtins = ['Echo', 'Tokenizer', 'Encoder', 'ClipEncoder', 'Indexer', 'TextMatcher', 'Ranker'] as const;

export type BuiltinName = (typeof builtins)[number];

/** The built-in that `name` means: one of {@link builtins}, or Jina's `BaseExecutor`, which passes documents through. */
export function findBuiltin(name: string): BuiltinName | undefined {
  if (name === 'BaseExecutor') return 'Echo';
  return builtins.find((builtin) => builtin === name);
}
