/** What bench/untraced.ts prints when the first request went through the instrument without tracing's part. */
export const untracedLine = 'bench: requests are measured without the part of tracing';
