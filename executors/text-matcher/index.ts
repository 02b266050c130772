export { TextMatcher } from './text-matcher.ts';
