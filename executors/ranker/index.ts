export { Ranker } from './ranker.ts';
