/** How often an idle worker is asked whether it is there, and how long it may take to answer, ms. */
const intervalMs = 10_000;

/**
 * Finds workers whose event loop is blocked although they have nothing to do.
 *
 * A busy worker is left alone: a model may compute for seconds without a turn of its event loop. What hangs there is
 * found by the deadlines of its requests.
 */
export class Liveness {
  private readonly timer: NodeJS.Timeout;
  private asked = 0;
  private answered = 0;

  constructor(isIdle: () => boolean, ping: (id: number) => void, dead: () => void) {
    let wasIdle = false;
    this.timer = setInterval(() => {
      if (wasIdle && isIdle() && this.answered < this.asked) {
        dead();
        return;
      }
      wasIdle = isIdle();
      if (wasIdle) ping(++this.asked);
      else this.answered = this.asked;
    }, intervalMs);
    this.timer.unref();
  }

  pong(id: number): void {
    this.answered = Math.max(this.answered, id);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
