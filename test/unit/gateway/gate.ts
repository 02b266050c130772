import type { DocumentArray } from '../../../core/index.ts';
import type { InProcessExecutor } from './in-process-runtime.ts';

/** An executor that answers `/wait` when the test opens it; all other endpoints at once. */
export class Gate {
  #open: () => void = () => undefined;
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  #arrivals = 0;
  #onArrival: (() => void) | undefined;

  readonly executor: InProcessExecutor = {
    name: 'gate',
    className: 'Gate',
    endpoints: { '/wait': (docs) => this.#wait(docs), '/now': (docs) => docs },
  };

  open(): void {
    this.#open();
  }

  /** Fulfils when so many requests are waiting. */
  async arrived(count: number): Promise<void> {
    while (this.#arrivals < count) {
      await new Promise<void>((resolve) => {
        this.#onArrival = resolve;
      });
    }
  }

  async #wait(docs: DocumentArray): Promise<DocumentArray> {
    this.#arrivals++;
    this.#onArrival?.();
    await this.#opened;
    return docs;
  }
}
