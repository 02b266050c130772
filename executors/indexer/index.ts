export { Indexer } from './indexer.ts';
