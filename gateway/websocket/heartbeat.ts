import type { WebSocket } from 'ws';
import type { Clock } from '../../core/index.ts';

/** Proxies and address translation forget connections that are silent for longer. */
const beatMs = 20_000;
/** So many beats without a sign of life end a connection. */
const maxSilentBeats = 2;
/** A reader that is busy with a long message cannot answer a ping that waits behind it. */
const maxUnreadBeats = 15;

/**
 * Pings a connection while it is open, and cuts it when the other side does not answer any more.
 *
 * @param sentCount messages whose bytes have left: while a reader lags behind, each is a sign that it reads
 */
export function startHeartbeat(socket: WebSocket, clock: Clock, sentCount: () => number): void {
  let silentBeats = 0;
  let lastSent = 0;
  const hear = (): void => {
    silentBeats = 0;
  };
  const beat = (): void => {
    const isReading = socket.bufferedAmount === 0;
    if (!isReading && sentCount() > lastSent) silentBeats = 0;
    lastSent = sentCount();
    // While we do not read ourselves, nothing can be heard.
    if (isReading && socket.isPaused) silentBeats = 0;
    else if (++silentBeats > (isReading ? maxSilentBeats : maxUnreadBeats)) {
      socket.terminate();
      return;
    }
    if (isReading && socket.readyState === socket.OPEN) socket.ping();
    stop = clock.after(beatMs, beat);
  };
  let stop = clock.after(beatMs, beat);
  socket.on('pong', hear).on('ping', hear).on('message', hear);
  socket.once('close', () => stop());
}
