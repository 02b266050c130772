import type { GatewayPlan } from '../../../../flows/index.ts';
import type { DataRequestMessage } from '../../../../proto/index.ts';
import { SocketClient } from '../../../fixtures/socket-client.ts';
import { type GatewayFixture, type RunningGateway, withGateway } from '../running-gateway.ts';

/** Every protocol on one port. */
export const listeners: GatewayPlan['listeners'] = [{ port: 0, protocols: ['http', 'grpc', 'websocket'] }];

/** A client of a gateway that serves every protocol on one port; both end with the test. */
export async function withClient(
  fixture: GatewayFixture,
  protocol: 'json' | 'bytes',
  test: (client: SocketClient, running: RunningGateway) => Promise<void>,
): Promise<void> {
  await withGateway({ ...fixture, plan: { listeners, ...fixture.plan } }, async (running) => {
    const client = await SocketClient.open(running.url, protocol);
    try {
      await test(client, running);
    } finally {
      client.socket.terminate();
    }
  });
}

export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(setImmediate);
};
/** A request in JSON that has an id. */
export const named = (id: string, endpoint: string, more: object = {}): object => ({
  header: { request_id: id },
  data: [{ id: 'd', text: 'hello' }],
  execEndpoint: endpoint,
  ...more,
});
/** The same in protobuf. */
export const message = (id: string, endpoint: string, timeout?: number): DataRequestMessage => ({
  header: { request_id: id, exec_endpoint: endpoint, ...(timeout === undefined ? {} : { timeout }) },
});

/** Fulfils when a number has not changed for many turns of the event loop. */
export async function standstill(read: () => number): Promise<number> {
  let last = -1;
  for (let quietTurns = 0; quietTurns < 2000; quietTurns++) {
    if (read() !== last) quietTurns = 0;
    last = read();
    await new Promise(setImmediate);
  }
  return last;
}
