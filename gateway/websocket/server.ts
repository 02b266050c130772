import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Carrier } from '../../observability/index.ts';
import { pages } from '../paths.ts';
import { dryRun } from '../probes.ts';
import { chooseProtocol, type Format } from './codec.ts';
import { startHeartbeat } from './heartbeat.ts';
import { Session, type SessionParts } from './session.ts';
import { closeCodes, closeReason } from './status.ts';

/** The WebSocket side of the gateway; connections come from HTTP servers. */
export interface SocketServer {
  /** Takes a connection over whose client asked for WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Each connection closes after its last answer. */
  drain(): void;
  /** Fulfils when every connection is closed; those that are not after `graceMs` are cut. */
  close(graceMs: number): Promise<void>;
}

/** How the handshake of an upgrade that is refused is answered. */
const refusals = {
  forbidden: '403 Forbidden',
  draining: '503 Service Unavailable\r\nRetry-After: 1',
} as const;

export function createSocketServer(parts: SessionParts): SocketServer {
  const { plan, handler, endpoints, clock, logger } = parts;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: plan.maxBodyBytes,
    handleProtocols: (offered) => chooseProtocol(offered) ?? false,
  });
  const sessions = new Set<Session>();

  const meet = (socket: WebSocket, format: Format, carrier: Carrier): void => {
    const session = new Session(parts, { socket, format, carrier });
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
    startHeartbeat(socket, clock, () => session.sentCount);
  };
  const answerDryRun = (socket: WebSocket, format: Format): void => {
    // Whatever it sends is not read.
    socket.on('error', (error) => logger?.debug({ error }, 'a dry run broke'));
    const { code, description } = dryRun(endpoints.status(), handler.isDraining);
    if (code === 0) {
      socket.send(format === 'json' ? '{}' : Buffer.alloc(0));
      socket.close(closeCodes.normal);
    } else socket.close(closeCodes.internalError, closeReason(typeof description === 'string' ? description : ''));
  };

  return {
    upgrade: (request, socket, head) => {
      const { url = '/', headers } = request;
      const path = url.split('?')[0];
      const isDryRun = path === pages.dryRun;
      if ((path !== pages.root && !isDryRun) || !(plan.cors || isOwnPage(headers))) {
        refuse(socket, refusals.forbidden);
        return;
      }
      if (handler.isDraining && !isDryRun) {
        refuse(socket, refusals.draining);
        return;
      }
      server.handleUpgrade(request, socket, head, (opened) => {
        const format = opened.protocol === 'bytes' ? 'bytes' : 'json';
        if (isDryRun) answerDryRun(opened, format);
        else meet(opened, format, headers);
      });
    },
    drain: () => {
      for (const session of sessions) session.drain();
    },
    close: async (graceMs) => {
      const closed = [...server.clients].map(
        (client) => new Promise<void>((resolve) => client.once('close', () => resolve())),
      );
      const timer = setTimeout(() => {
        for (const client of server.clients) client.terminate();
      }, graceMs);
      await Promise.all(closed);
      clearTimeout(timer);
      server.close();
    },
  };
}

/** Whether a handshake comes from no browser, or from a page of this host. */
function isOwnPage({ origin, host }: IncomingMessage['headers']): boolean {
  if (origin === undefined) return true;
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // With the scheme of the page, so that a port that it leaves out is the same one.
  const own = `${page.protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === page.host;
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n`);
}
