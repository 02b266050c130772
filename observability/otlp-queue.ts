import { context, diag } from '@opentelemetry/api';
import type { IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import { core } from '@opentelemetry/sdk-node';
import { FlowError } from '../core/index.ts';
import type { FinishedSpan, SpanTarget } from './finished-span.ts';
import { writeSpan } from './otlp-span.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** An export is closed at this size too: collectors take 4 MiB over gRPC. */
const maxExportBytes = 1 << 20;

/** The bounds of the SDK's BatchSpanProcessor, out of the same variables. */
export interface QueueBounds {
  /** Spans that may wait; beyond, whole requests are left out. */
  readonly maxQueueSize: number;
  /** Spans after which an export is sent without waiting; the spans of a request stay together. */
  readonly maxExportBatchSize: number;
  /** Longest that a span waits for others, ms. */
  readonly scheduledDelayMs: number;
  readonly exportTimeoutMs: number;
  readonly maxLinks: number;
}

interface WaitingExport {
  readonly request: Uint8Array;
  readonly spans: number;
}

/**
 * Writes spans as OTLP when their request ends and sends them together, one export at a time.
 *
 * What waits is bytes: records, which hold on to everything they were joined with, are free at once.
 */
export class OtlpQueue implements SpanTarget {
  readonly #exporter: IOtlpExportDelegate<Uint8Array>;
  readonly #envelope: (spans: Uint8Array) => Uint8Array;
  readonly #bounds: QueueBounds;
  readonly #writer = new ProtobufWriter();
  readonly #waiting: WaitingExport[] = [];
  /** Spans in the writer, and all that are not sent. */
  #open = 0;
  #queued = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #isClosed = false;

  constructor(
    exporter: IOtlpExportDelegate<Uint8Array>,
    envelope: (spans: Uint8Array) => Uint8Array,
    bounds: QueueBounds,
  ) {
    this.#exporter = exporter;
    this.#envelope = envelope;
    this.#bounds = bounds;
  }

  hasRoom(): boolean {
    if (this.#isClosed) return false;
    if (this.#queued >= this.#bounds.maxQueueSize) {
      this.#dropped++;
      return false;
    }
    if (this.#dropped > 0) diag.warn(`The spans of ${this.#dropped} requests were dropped: too many waited`);
    this.#dropped = 0;
    return true;
  }

  add(span: FinishedSpan): void {
    writeSpan(this.#writer, span, this.#bounds.maxLinks);
    this.#open++;
    this.#queued++;
  }

  complete(): void {
    if (this.#open >= this.#bounds.maxExportBatchSize || this.#writer.length >= maxExportBytes) this.#send();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#send();
      }, this.#bounds.scheduledDelayMs);
      this.#timer.unref();
    }
  }

  /** Sends what is left and closes the exporter. */
  async shutdown(): Promise<void> {
    this.#isClosed = true;
    this.#send();
    await this.#sending;
    await this.#exporter.shutdown();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#open > 0) {
      this.#waiting.push({ request: this.#envelope(this.#writer.written), spans: this.#open });
      this.#writer.reset();
      this.#open = 0;
    }
    this.#sending ??= this.#sendWaiting().finally(() => (this.#sending = undefined));
  }

  async #sendWaiting(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#export(next.request).catch(core.globalErrorHandler);
      this.#queued -= next.spans;
    }
  }

  #export(request: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const { exportTimeoutMs } = this.#bounds;
      const timer = setTimeout(() => {
        reject(new FlowError('deadline_exceeded', `an export of traces took more than ${exportTimeoutMs} ms`));
      }, exportTimeoutMs);
      // A host program that instruments HTTP must not trace the export of its traces.
      context.with(core.suppressTracing(context.active()), () => {
        this.#exporter.export(request, ({ code, error }) => {
          clearTimeout(timer);
          if (code === core.ExportResultCode.SUCCESS) resolve();
          else reject(error ?? new FlowError('internal', 'the exporter of traces failed without a reason'));
        });
      });
    });
  }
}
