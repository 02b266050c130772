import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { FlowError } from '../../core/index.ts';

export interface RemoteSettings {
  /** Most bytes of a file. */
  readonly maxBytes: number;
  /** Time for a file, redirects included. */
  readonly timeoutMs: number;
  /** Whether addresses of this machine and of private networks may be asked; never for strangers' requests. */
  readonly allowsPrivate: boolean;
}

const mostRedirects = 5;

const reserved = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  reserved.addSubnet(address, bits, 'ipv4');
}
for (const [address, bits] of [
  // This machine, mapped and translated IPv4, private, link-local and multicast addresses.
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  reserved.addSubnet(address, bits, 'ipv6');
}

/** Fetches files that requests name, within limits; addresses are checked when the connection is made. */
export class RemoteFiles {
  private readonly settings: RemoteSettings;
  private readonly agent: Agent;

  constructor(settings: RemoteSettings) {
    this.settings = settings;
    this.agent = new Agent({ connect: settings.allowsPrivate ? {} : { lookup: publicLookup } });
  }

  /**
   * The bytes of a file.
   *
   * @param signal gives up when it aborts
   * @param accepts which media types may come; default any
   * @throws `invalid_argument`, saying what is wrong with the address, the answer, or its size
   */
  async fetch(
    address: string,
    signal: AbortSignal,
    accepts: (type: string) => boolean = () => true,
  ): Promise<Uint8Array> {
    const { timeoutMs } = this.settings;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await this.follow(address, AbortSignal.any([signal, late]));
      return await this.read(response, address, accepts);
    } catch (error) {
      if (late.aborted) throw refused(address, `it did not come within ${timeoutMs / 1000} s (uri_timeout)`);
      throw error instanceof FlowError ? error : refused(address, FlowError.from(error).message);
    }
  }

  async close(): Promise<void> {
    await this.agent.close();
  }

  private async follow(address: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    let url = this.checked(address);
    for (let redirects = 0; redirects <= mostRedirects; redirects++) {
      const response = await request(url, {
        dispatcher: this.agent,
        signal,
        headers: { accept: '*/*', 'user-agent': 'sluice' },
      });
      const { location } = response.headers;
      if (response.statusCode < 300 || response.statusCode >= 400 || typeof location !== 'string') {
        return response;
      }
      await response.body.dump();
      url = this.checked(new URL(location, url).href);
    }
    throw refused(address, `it leads on more than ${mostRedirects} times`);
  }

  private checked(address: string): URL {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw refused(address, 'expected an http or https address');
    }
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (!this.settings.allowsPrivate && isReserved(host)) throw new PrivateAddress(host);
    return url;
  }

  private async read(
    { statusCode, headers, body }: Dispatcher.ResponseData,
    address: string,
    accepts: (type: string) => boolean,
  ): Promise<Uint8Array> {
    const { maxBytes } = this.settings;
    const type = String(headers['content-type'] ?? 'application/octet-stream');
    const length = Number(headers['content-length'] ?? 0);
    const why =
      statusCode !== 200
        ? `the answer was ${statusCode}`
        : !accepts(type)
          ? `expected an image, got ${type}`
          : length > maxBytes
            ? tooLarge(maxBytes)
            : undefined;
    if (why !== undefined) {
      // Without a listener the end of the connection, which is meant, would be an uncaught error.
      body.on('error', () => undefined).destroy();
      throw refused(address, why);
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw refused(address, tooLarge(maxBytes));
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  }
}

/** Whether a media type is, or may be, a picture's. */
export function isPictureType(type: string): boolean {
  const [name = ''] = type.toLowerCase().split(';');
  return name.startsWith('image/') || ['', 'image', 'application/octet-stream', 'binary/octet-stream'].includes(name);
}

/** The fault of a host that is not public. */
class PrivateAddress extends FlowError {
  constructor(host: string) {
    super('invalid_argument', `${host} is an address of this machine or of a private network (allow_private_uris)`);
  }
}

function isReserved(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && reserved.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Names are checked by what they resolve to, for the connection that is made, so that no second answer can differ. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, '', 0);
      return;
    }
    const found = addresses.find(({ address }) => isReserved(address));
    const [first] = addresses;
    if (found !== undefined) callback(new PrivateAddress(hostname), '', 0);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  });
};

function tooLarge(limit: number): string {
  return `expected at most ${limit} bytes (max_bytes)`;
}

function refused(address: string, why: string): FlowError {
  return new FlowError('invalid_argument', `cannot fetch ${address.slice(0, 200)}: ${why}`);
}
