/** Whether a trace that nobody decided about yet is kept, by its id. */
export type Sampler = (traceId: string) => boolean;

/**
 * Keeps the part `ratio` (0 to 1) of all traces, decided by the trace id alone.
 *
 * Same decision as OpenTelemetry's TraceIdRatioBased sampler for JavaScript, so that services which share a trace and a
 * ratio keep the same ones.
 */
export function ratioSampler(ratio: number): Sampler {
  if (ratio >= 1) return () => true;
  if (!(ratio > 0)) return () => false;
  const bound = Math.floor(ratio * 0xffffffff);
  return (traceId) => {
    let mixed = 0;
    for (let start = 0; start < 32; start += 8) mixed = (mixed ^ parseInt(traceId.slice(start, start + 8), 16)) >>> 0;
    return mixed < bound;
  };
}
