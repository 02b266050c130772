import { exceptionInfo, FlowError } from '../core/index.ts';

/** The platform's error of a connection as ours; `url` is the gateway's address. */
export function connectionError(cause: unknown, url: URL): FlowError {
  if (cause instanceof FlowError) return cause;
  const code = errorCode(cause);
  const exception = exceptionInfo(cause);
  const place = placeOf(url);
  if (code.startsWith('HPE_')) {
    const message = `${place} sent something that is not HTTP (${exception.args[0] ?? code}): is it a gateway's HTTP port?`;
    return new FlowError('protocol_error', message, { exception, cause });
  }
  const failure = failureText(code, place) ?? `the connection to ${place} failed: ${exception.args[0] ?? code}`;
  return new FlowError('connection_failed', failure, { exception, cause });
}

/** Host and port of an address, the scheme's own port where it names none. */
export function placeOf({ hostname, port, protocol }: URL): string {
  const isSecure = protocol === 'https:' || protocol === 'wss:' || protocol === 'grpcs:';
  return `${hostname}:${port || (isSecure ? '443' : '80')}`;
}

/** What a system's or a library's error code means for the caller; undefined for one that is not known. */
export function failureText(code: string, place: string): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${place}: check that the gateway is running there (sluice up) and that host and port are right`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name of ${place} is not known: check the client's host`;
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${place} cannot be reached (${code}): check the client's host and the network between`;
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_ABORTED':
      return `the connection to ${place} broke before the answer was complete`;
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return `the answer of ${place} is larger than 512 MiB: send fewer documents in one request (requestSize)`;
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return 'the client was closed';
    default:
      return undefined;
  }
}

/** fetch hides the system's error in its cause, and a name with several addresses in a list. */
function errorCode(error: unknown): string {
  for (let current = error, depth = 0; isErrorLike(current) && depth < 5; current = current.cause, depth++) {
    if (typeof current.code === 'string') return current.code;
  }
  return '';
}

function isErrorLike(value: unknown): value is { code?: unknown; cause?: unknown } {
  return typeof value === 'object' && value !== null;
}
