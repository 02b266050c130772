import { connect, type Socket } from 'node:net';
import { FlowError } from '../core/index.ts';
import { AnswerParser, type HttpAnswer } from './answer-parser.ts';
import { MarkedRequest } from './request-body.ts';

/** What every answer must be; anything else is counted as wrong. */
export interface AnswerRules {
  /** Texts that the body must have, beside the mark of its own request. */
  readonly contains: readonly Buffer[];
  readonly excludes: readonly Buffer[];
}

/** Where a connection tells how its requests went. */
export interface LoadListener {
  /** An answer came, `milliseconds` after its request was written. */
  answered(milliseconds: number): void;
  /** A status other than 200, an answer without the mark of its own input, or against the rules. */
  wrong(why: string): void;
  /** No answer: the connection could not be made or broke, or the bytes were no HTTP. */
  failed(error: FlowError): void;
}

export interface LoadTarget {
  readonly url: URL;
  readonly bodies: readonly string[];
  readonly rules: AnswerRules;
}

const reconnectMs = 20;

/** One caller: sends a request, waits for its whole answer, checks it, sends the next. */
export class LoadConnection {
  private readonly target: LoadTarget;
  private readonly listener: LoadListener;
  private readonly sender: string;
  private readonly parser = new AnswerParser();
  private readonly buffer = Buffer.allocUnsafe(65_536);
  private readonly requests: (MarkedRequest | undefined)[];
  private readonly step: number;
  private current: MarkedRequest | undefined;
  private socket: Socket | undefined;
  private sentAt = 0;
  private serial = 0;
  private next: number;
  private state: 'running' | 'finishing' | 'stopped' = 'running';
  private finished: (() => void) | undefined;

  /** @param index of this connection, and `count` of all: they share the bodies out among themselves */
  constructor(target: LoadTarget, listener: LoadListener, index: number, count: number) {
    this.target = target;
    this.listener = listener;
    this.sender = index.toString(36);
    this.requests = new Array<MarkedRequest | undefined>(target.bodies.length).fill(undefined);
    this.next = index % target.bodies.length;
    this.step = count;
  }

  start(): void {
    const socket = connect({
      host: this.target.url.hostname,
      port: Number(this.target.url.port || 80),
      noDelay: true,
      onread: { buffer: this.buffer, callback: (size) => this.read(size) },
    });
    this.socket = socket;
    socket.on('connect', () => this.send());
    socket.on('error', (error) => this.broken(error));
    socket.on('close', () => this.broken(new FlowError('connection_failed', 'the server closed the connection')));
  }

  /** Sends nothing more; fulfils when the answer in flight is there, at the latest after `limitMs`. */
  async finish(limitMs: number): Promise<void> {
    if (this.current !== undefined) {
      this.state = 'finishing';
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          this.listener.failed(new FlowError('deadline_exceeded', `no answer within ${limitMs} ms of the end`));
          resolve();
        }, limitMs);
        this.finished = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.state = 'stopped';
    this.socket?.destroy();
  }

  private send(): void {
    const request = (this.requests[this.next] ??= this.requestFor(this.next));
    this.next = (this.next + this.step) % this.requests.length;
    request.number(this.serial++);
    this.current = request;
    this.sentAt = performance.now();
    this.socket?.write(request.bytes);
  }

  private requestFor(index: number): MarkedRequest {
    return new MarkedRequest(this.target.url, this.target.bodies[index] ?? '', this.sender);
  }

  private read(size: number): boolean {
    let answer: HttpAnswer | undefined;
    try {
      answer = this.parser.push(this.buffer.subarray(0, size));
    } catch (error) {
      this.broken(error);
      return false;
    }
    if (answer === undefined) return true;
    const milliseconds = performance.now() - this.sentAt;
    const request = this.current;
    this.current = undefined;
    if (request === undefined) {
      this.listener.wrong('an answer to no request');
    } else {
      const fault = faultOf(answer, request.mark, this.target.rules);
      if (fault === undefined) this.listener.answered(milliseconds);
      else this.listener.wrong(fault);
    }
    if (this.state === 'finishing') this.finished?.();
    else if (answer.closes) this.socket?.end();
    else this.send();
    return true;
  }

  private broken(error: unknown): void {
    if (this.state === 'stopped' || this.socket === undefined) return;
    this.socket.removeAllListeners();
    this.socket.on('error', ignoreLateError);
    this.socket.destroy();
    this.socket = undefined;
    this.parser.reset();
    const isUnanswered = this.current !== undefined;
    this.current = undefined;
    const cause = FlowError.from(error, 'connection_failed');
    if (isUnanswered || cause.message.includes('ECONNREFUSED')) this.listener.failed(cause);
    if (this.state === 'finishing') this.finished?.();
    else setTimeout(() => this.start(), reconnectMs);
  }
}

// The failure that made us close the socket is counted already.
function ignoreLateError(): void {
  return undefined;
}

function faultOf(answer: HttpAnswer, mark: Buffer, rules: AnswerRules): string | undefined {
  if (answer.status !== 200) return `status ${answer.status}: ${answer.body.toString('utf8', 0, 200)}`;
  if (!answer.body.includes(mark)) return `without the mark of its request: ${answer.body.toString('utf8', 0, 200)}`;
  for (const text of rules.contains) {
    if (!answer.body.includes(text)) return `without ${text.toString()}: ${answer.body.toString('utf8', 0, 200)}`;
  }
  for (const text of rules.excludes) {
    if (answer.body.includes(text)) return `with ${text.toString()}: ${answer.body.toString('utf8', 0, 400)}`;
  }
  return undefined;
}
