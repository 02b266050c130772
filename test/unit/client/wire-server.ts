import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, type ClientOptions } from '../../../client/index.ts';

/** A document as the wire carries it. */
export type WireDocument = Record<string, unknown>;

/** One request as it came in. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: {
    readonly header: Record<string, string>;
    readonly parameters: Record<string, unknown>;
    readonly data: WireDocument[];
    readonly exec_endpoint: string;
    readonly target_executor?: string;
  };
  /** Fulfils when the answer is out or the caller is gone. */
  readonly closed: Promise<void>;
  readonly isComplete: () => boolean;
}

export type Answer = (request: WireRequest, response: ServerResponse) => void | Promise<void>;

/** A server that speaks a gateway's HTTP form and remembers what it was asked. */
export class WireServer {
  readonly requests: WireRequest[] = [];
  answer: Answer;
  private readonly server: Server;
  private waiting: { count: number; resolve: () => void }[] = [];

  private constructor(answer: Answer) {
    this.answer = answer;
    this.server = createServer((request, response) => {
      this.receive(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(answer: Answer = echo): Promise<WireServer> {
    const server = new WireServer(answer);
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    return server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Texts of the documents of each request, in the order they came. */
  get texts(): unknown[][] {
    return this.requests.map(({ body }) => body.data.map((doc) => doc['text']));
  }

  /** Fulfils when `count` requests have come. */
  async received(count: number): Promise<void> {
    if (this.requests.length >= count) return;
    await new Promise<void>((resolve) => {
      this.waiting.push({ count, resolve });
    });
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const received: WireRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: (text === '' ? {} : JSON.parse(text)) as WireRequest['body'],
      closed: new Promise((resolve) => response.once('close', resolve)),
      isComplete: () => response.writableFinished,
    };
    this.requests.push(received);
    for (const waiter of this.waiting) if (this.requests.length >= waiter.count) waiter.resolve();
    this.waiting = this.waiting.filter((waiter) => this.requests.length < waiter.count);
    await this.answer(received, response);
  }
}

/** Answers with the documents that came; to a GET with an empty object. */
export const echo: Answer = (request, response) => {
  sendJson(response, 200, request.method === 'GET' ? {} : answerTo(request));
};

/** Answers nothing, ever. */
export const silence: Answer = () => undefined;

/** An answer in the wire form. */
export function answerTo(request: WireRequest, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { header, parameters, data } = request.body;
  return {
    header: {
      requestId: header['request_id'],
      status: null,
      execEndpoint: header['exec_endpoint'],
      targetExecutor: '',
    },
    parameters,
    routes: [
      {
        executor: 'gateway',
        startTime: '2026-11-21T05:02:10.256072+00:00',
        endTime: '2026-11-21T05:02:10.263271+00:00',
        status: null,
      },
    ],
    data,
    ...changes,
  };
}

/** An answer that carries an error. */
export function faultTo(request: WireRequest, name: string, description: string): Record<string, unknown> {
  const exception = { name, args: [description], stacks: [], executor: name === 'TypeError' ? 'Encoder' : '' };
  return answerTo(request, {
    header: { requestId: request.body.header['request_id'], status: { code: 1, description, exception } },
  });
}

export function sendJson(
  response: ServerResponse,
  status: number,
  json: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(json));
}

/** Holds answers back until they are let go. */
export class Gate {
  private readonly open: (() => void)[] = [];
  private isOpen = false;

  /** Lets every answer go, those to come included. */
  release(): void {
    this.isOpen = true;
    for (const resolve of this.open) resolve();
  }

  async pass(): Promise<void> {
    if (!this.isOpen) await new Promise<void>((resolve) => this.open.push(resolve));
  }
}

/** Runs `use` with a server and a client of it, and leaves neither behind. */
export async function withServer(
  answer: Answer,
  use: (client: Client, server: WireServer) => Promise<void>,
  options: Partial<ClientOptions> = {},
): Promise<void> {
  const server = await WireServer.start(answer);
  const client = new Client({ host: server.url, ...options });
  try {
    await use(client, server);
  } finally {
    await client.close();
    await server.stop();
  }
}

/** All items of an iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
