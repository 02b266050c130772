import { createParser } from 'eventsource-parser';
import { FlowError } from '../../core/index.ts';

/** One server-sent event; comments and events without data are left out. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** The last line that is not empty, where it is an `end` event: without data no parser dispatches it. */
const endLine = /(?:^|[\r\n])event: ?end[\r\n]*$/;

/**
 * Events of a body, whatever the pieces it comes in; returns at the `end` event.
 *
 * @throws `connection_failed` when the body ends without it.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  const arrived: ServerEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = 'message', data }) => {
      arrived.push({ name: event, data });
    },
  });
  const decoder = new TextDecoder();
  let tail = '';
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    tail = (tail + text).slice(-32);
    parser.feed(text);
    for (let event = arrived.shift(); event !== undefined; event = arrived.shift()) {
      if (event.name === 'end') return;
      yield event;
    }
  }
  if (!endLine.test(tail)) {
    throw new FlowError('connection_failed', 'the stream broke: it ended without its "end" event');
  }
}
