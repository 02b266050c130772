import type { Socket } from 'node:net';
import type { GrpcServer } from './grpc/server.ts';
import { createHttpServer, type HttpServer, type HttpServerParts } from './http/server.ts';
import type { WireHandlers } from './listener.ts';
import type { GatewayPlan } from './paths.ts';
import type { SocketServer } from './websocket/server.ts';

type Protocols = GatewayPlan['listeners'][number]['protocols'];

/** One server for each protocol that a listener lists, whatever the number of listeners. */
export class ProtocolServers {
  readonly #http: ReadonlyMap<string, HttpServer>;
  readonly #grpc: GrpcServer | undefined;
  readonly #webSocket: SocketServer | undefined;

  private constructor(
    http: ReadonlyMap<string, HttpServer>,
    grpc: GrpcServer | undefined,
    webSocket: SocketServer | undefined,
  ) {
    this.#http = http;
    this.#grpc = grpc;
    this.#webSocket = webSocket;
  }

  static async create(parts: HttpServerParts): Promise<ProtocolServers> {
    const lists = parts.plan.listeners.map(({ protocols }) => protocols);
    const isServed = (protocol: Protocols[number]): boolean => lists.some((protocols) => protocols.includes(protocol));
    // Their libraries take a while to load: only where they are needed.
    const grpc = isServed('grpc') ? (await import('./grpc/server.ts')).createGrpcServer(parts) : undefined;
    const webSocket = isServed('websocket')
      ? (await import('./websocket/server.ts')).createSocketServer(parts)
      : undefined;
    const http = new Map<string, HttpServer>();
    for (const protocols of lists) {
      const key = http1Key(protocols);
      if (key === '' || http.has(key)) continue;
      const upgrades = protocols.includes('websocket') ? { webSocket } : {};
      http.set(key, await createHttpServer({ ...parts, ...upgrades, servesPagesOnly: !protocols.includes('http') }));
    }
    return new ProtocolServers(http, grpc, webSocket);
  }

  /** Who takes the connections of a listener over. */
  handlers(protocols: Protocols): WireHandlers {
    const http = this.#http.get(http1Key(protocols));
    const grpc = protocols.includes('grpc') ? this.#grpc : undefined;
    return {
      ...(http && { http1: (socket: Socket) => http.accept(socket) }),
      ...(grpc && { http2: (socket: Socket) => grpc.accept(socket) }),
    };
  }

  /** Closes what waits for nothing, and tells clients to go elsewhere. */
  drain(timeoutMs: number): void {
    for (const http of this.#http.values()) http.closeIdle();
    this.#grpc?.drain(timeoutMs);
    this.#webSocket?.drain();
  }

  /**
   * Lets the connections of gRPC and WebSocket close in their own way: with the last answers of the one, and an answer
   * of the other side to the other.
   */
  async closeSockets(graceMs: number): Promise<void> {
    await Promise.all([this.#webSocket?.close(graceMs), this.#grpc?.ended(graceMs)]);
  }

  async close(): Promise<void> {
    this.#grpc?.close();
    for (const http of this.#http.values()) await http.close();
  }
}

/** What is served over HTTP/1 connections of a listener; empty for nothing. */
function http1Key(protocols: Protocols): string {
  return (['http', 'websocket'] as const).filter((protocol) => protocols.includes(protocol)).join();
}
