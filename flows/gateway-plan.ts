import { resolve } from 'node:path';
import { readAlias } from './alias.ts';
import type { Checked } from './check.ts';
import type { EmbeddingsPlan, ExposedEndpoint, GatewayPlan, ListenerPlan, TracingPlan } from './plan.ts';
import type { FlowReader } from './reader.ts';
import type { exposedEndpointSchema } from './schema-exposed.ts';
import type { gatewaySchema, gatewayShape } from './schema-gateway.ts';
import { defaultPort } from './schema-listener.ts';
import type { FlowPath, PairPart, Source } from './source.ts';

/** The sections that decide about the gateway. */
export interface GatewaySections {
  readonly with: Checked<typeof gatewayShape>;
  /** Wins over `with`. */
  readonly gateway: Checked<(typeof gatewaySchema)['shape']>;
}

const portNames = ['port', 'ports', 'port_expose', 'port_in'] as const;
const protocolNames = ['protocol', 'protocols'] as const;

/** `timeout_send: -1` and the like: no limit. */
export type Limit = number | 'none';

/** The gateway with every default filled in; faults go to the reader's list. */
export function planGateway(
  flowName: string,
  sections: GatewaySections,
  source: Source,
  reader: FlowReader,
): GatewayPlan {
  const merged = { ...sections.with, ...sections.gateway };
  const builder = new GatewaySettings(sections, source, reader);
  const tls = builder.tls();
  return {
    host: merged.host ?? '127.0.0.1',
    listeners: builder.listeners(),
    ...(tls === undefined ? {} : { tls }),
    cors: merged.cors ?? false,
    title: merged.title ?? flowName,
    description: merged.description ?? '',
    searchPage: merged.search_page ?? false,
    hasDebugEndpoints: merged.no_debug_endpoints !== true,
    hasCrudEndpoints: merged.no_crud_endpoints !== true,
    exposed: builder.exposed(),
    ...embeddingsPlan(flowName, merged.openai_embeddings),
    maxBodyBytes: merged.max_body ?? 64 * 2 ** 20,
    timeoutMs: merged.timeout ?? 60_000,
    prefetch: merged.prefetch === 0 ? Number.MAX_SAFE_INTEGER : (merged.prefetch ?? 1000),
    drainTimeoutMs: merged.drain_timeout ?? 30_000,
    metrics: builder.metrics(),
    tracing: builder.tracing(),
  };
}

class GatewaySettings {
  private readonly sections: GatewaySections;
  private readonly source: Source;
  private readonly reader: FlowReader;

  constructor(sections: GatewaySections, source: Source, reader: FlowReader) {
    this.sections = sections;
    this.source = source;
    this.reader = reader;
  }

  /** One listener with all protocols, or one for each of a list of ports. */
  listeners(): ListenerPlan[] {
    const ports = this.alias(portNames) ?? [defaultPort];
    const protocols = this.alias(protocolNames) ?? ['http'];
    const [port = defaultPort] = ports;
    if (ports.length === 1) {
      if (new Set(protocols).size < protocols.length) this.fault('protocol', 'protocol: a protocol is named twice');
      return [{ port, protocols }];
    }
    if (ports.length !== protocols.length) {
      const counts = `${ports.length} ports and ${protocols.length === 1 ? '1 protocol' : `${protocols.length} protocols`}`;
      this.fault('port', `port: expected one port, or as many ports as protocols; got ${counts}`);
    }
    const fixed = ports.filter((item) => item !== 0);
    if (new Set(fixed).size < fixed.length) this.fault('port', 'port: a port is named twice');
    return ports.map((item, index) => ({ port: item, protocols: protocols.slice(index, index + 1) }));
  }

  tls(): { certFile: string; keyFile: string } | undefined {
    const { ssl_certfile: cert, ssl_keyfile: key } = { ...this.sections.with, ...this.sections.gateway };
    if (cert === undefined && key === undefined) return undefined;
    if (cert === undefined || key === undefined) {
      const [present, missing] =
        cert === undefined ? (['keyfile', 'certfile'] as const) : (['certfile', 'keyfile'] as const);
      this.fault(`ssl_${present}`, `ssl_${present} needs ssl_${missing}: TLS takes both`, 'key');
      return undefined;
    }
    const certFile = this.reader.find(cert, this.source, this.pathOf('ssl_certfile'));
    const keyFile = this.reader.find(key, this.source, this.pathOf('ssl_keyfile'));
    return {
      certFile: certFile ?? resolve(this.source.folder, cert),
      keyFile: keyFile ?? resolve(this.source.folder, key),
    };
  }

  exposed(): ExposedEndpoint[] {
    const map = this.sections.gateway.expose_endpoints ?? this.sections.with.expose_endpoints ?? {};
    const taken = new Map<string, string>();
    return Object.entries(map).map(([endpoint, options]) => {
      const exposed = exposedEndpoint(endpoint, options);
      for (const method of exposed.methods) {
        const route = `${method} ${exposed.path}`;
        const other = taken.get(route);
        if (other !== undefined) {
          this.fault('expose_endpoints', `expose_endpoints: ${other} and ${endpoint} both have ${route}`, 'key');
        }
        taken.set(route, endpoint);
      }
      return exposed;
    });
  }

  metrics(): boolean {
    const { with: shared, gateway } = this.sections;
    if (gateway.metrics !== undefined && gateway.monitoring !== undefined && gateway.metrics !== gateway.monitoring) {
      this.fault('metrics', 'metrics and monitoring are names of the same switch; write one of them', 'key');
    }
    return gateway.metrics ?? gateway.monitoring ?? shared.monitoring ?? true;
  }

  tracing(): TracingPlan {
    const merged = { ...this.sections.with, ...this.sections.gateway };
    const { traces_exporter_host: host, traces_exporter_port: port } = merged;
    if (port !== undefined && host === undefined) {
      this.fault('traces_exporter_port', 'traces_exporter_port needs traces_exporter_host', 'key');
    }
    const settings = { enabled: merged.tracing ?? false, sampleRatio: merged.traces_sample_ratio ?? 1 };
    if (host === undefined) return settings;
    const address = host.includes('://') ? host : `http://${host}`;
    return { ...settings, endpoint: `${address}:${port ?? 4317}` };
  }

  /** A key with several names: `gateway` wins over `with`, whatever name either uses. */
  private alias<Name extends keyof typeof gatewayShape>(names: readonly Name[]): GatewaySections['with'][Name] {
    const { with: shared, gateway } = this.sections;
    const { faults } = this.reader;
    const own = readAlias(gateway, names, this.source, ['gateway'], faults);
    return own ?? readAlias(shared, names, this.source, ['with'], faults);
  }

  private fault(key: string, message: string, part: PairPart = 'value'): void {
    this.reader.faults.add(this.source, this.pathOf(key), message, part);
  }

  /** Where a key (or another name of it) is written. */
  private pathOf(key: string): FlowPath {
    const names = [portNames, protocolNames].find((group: readonly string[]) => group.includes(key)) ?? [key];
    for (const section of ['gateway', 'with'] as const) {
      const checked: Readonly<Record<string, unknown>> = this.sections[section];
      const name = names.find((item: string) => checked[item] !== undefined);
      if (name !== undefined) return [section, name];
    }
    return [];
  }
}

function embeddingsPlan(
  flowName: string,
  written: GatewaySections['gateway']['openai_embeddings'],
): { embeddings?: EmbeddingsPlan } {
  if (written === undefined) return {};
  const { endpoint, models } = typeof written === 'string' ? { endpoint: written, models: undefined } : written;
  return { embeddings: { endpoint, models: models ?? [flowName], takesAnyModel: models === undefined } };
}

function exposedEndpoint(endpoint: string, options: Checked<typeof exposedEndpointSchema.shape>): ExposedEndpoint {
  const { http_path: path, methods, summary, description, tags } = options;
  return {
    endpoint,
    path: path ?? `/${endpoint.replace(/^\//, '')}`,
    methods: methods ?? ['POST'],
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
  };
}
