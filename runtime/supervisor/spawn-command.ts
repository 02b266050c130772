import { fileURLToPath } from 'node:url';

/** Program arguments that start a worker: from the sources through tsx in a checkout, from dist in a package. */
export function workerArguments(): string[] {
  const isSource = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(`../worker/main.${isSource ? 'ts' : 'js'}`, import.meta.url));
  return isSource ? ['--import', import.meta.resolve('tsx'), '--conditions=sluice-source', main] : [main];
}
