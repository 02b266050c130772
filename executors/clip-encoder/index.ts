export { ClipEncoder } from './clip-encoder.ts';
