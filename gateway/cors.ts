import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

const preflightSeconds = 600;
const methods = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT';

/** Adds the headers that browsers want; true when the request was a preflight and is answered. */
export function answerCors(request: IncomingMessage, response: ServerResponse): boolean {
  const preflight = preflightHeaders(request);
  if (preflight !== undefined) {
    response.writeHead(200, { ...preflight, 'content-length': 2 }).end('OK');
    return true;
  }
  for (const [name, value] of Object.entries(corsHeaders(request) ?? {})) {
    if (value !== undefined) response.setHeader(name, value);
  }
  return false;
}

/** Headers that let a page of any origin read an answer; undefined when no browser asks. */
function corsHeaders(request: IncomingMessage): OutgoingHttpHeaders | undefined {
  const { origin } = request.headers;
  if (origin === undefined) return undefined;
  const isPersonal = request.headers.cookie !== undefined;
  return {
    // Browsers refuse the star for answers to requests with credentials.
    'access-control-allow-origin': isPersonal ? origin : '*',
    'access-control-allow-credentials': 'true',
    ...(isPersonal ? { vary: 'Origin' } : {}),
  };
}

/** Headers of the answer to a preflight; undefined when the request is none. */
function preflightHeaders(request: IncomingMessage): OutgoingHttpHeaders | undefined {
  const { origin } = request.headers;
  if (request.method !== 'OPTIONS' || origin === undefined) return undefined;
  if (request.headers['access-control-request-method'] === undefined) return undefined;
  const wanted = request.headers['access-control-request-headers'];
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': methods,
    'access-control-allow-credentials': 'true',
    'access-control-max-age': String(preflightSeconds),
    ...(wanted === undefined ? {} : { 'access-control-allow-headers': wanted }),
    vary: 'Origin',
    'content-type': 'text/plain; charset=utf-8',
  };
}
