import { jinaKey, refusedKey, refusedList } from './schema-key.ts';
import { flag } from './schema-value.ts';

const container = 'containers are started by Docker or Kubernetes';
const internal = 'an internal key of the Python processes';
const logging = 'how much is logged is a flag of the command line';

/** Keys that Jina knows in `with`, in `gateway` and in executors, and that Sluice does not serve in any of them. */
export const refusedEverywhere = {
  workspace_id: refusedKey('the folder of one run inside the workspace'),
  log_config: refusedKey('logger configuration', ['default'], logging),
  quiet: refusedKey('no log at all', [false], logging),
  quiet_error: refusedKey('errors without their stack in the log', [false], logging),
  reload: refusedKey('restart when a file changes', [false]),
  timeout_ctrl: refusedKey('limit of control messages', [60]),
  retries: refusedKey('calls repeated after a failure', [-1], 'Sluice repeats only what is safe to run twice'),
  compression: refusedKey('compression between processes', ['NoCompression']),
  grpc_server_options: refusedKey('options of the gRPC server'),
  grpc_channel_options: refusedKey('options of gRPC connections'),
  uvicorn_kwargs: refusedKey('options of the Python HTTP server'),
  port_monitoring: refusedKey('a port for metrics', [], 'metrics are at /metrics of the gateway'),
  metrics_exporter_host: refusedKey('push of metrics over OTLP', [], 'let Prometheus read /metrics'),
  metrics_exporter_port: refusedKey('push of metrics over OTLP', [], 'let Prometheus read /metrics'),
  stateful: refusedKey('replicas that agree on state by Raft', [false]),
  peer_ports: refusedKey('ports of Raft'),
  raft_configuration: refusedKey('options of Raft'),
  provider: refusedKey('hosting by a cloud', ['NONE']),
  provider_endpoint: refusedKey('hosting by a cloud'),
  entrypoint: refusedKey('command of a container', [], container),
  docker_kwargs: refusedKey('options of a container', [], container),
  volumes: refusedKey('folders of a container', [], container),
  gpus: refusedKey('GPUs of a container', [], 'write device in the executor'),
  disable_auto_volume: refusedKey('folders of a container', [false], container),
  force_update: refusedKey('fetching again from the hub', [false]),
  prefer_platform: refusedKey('platform of a container', [], container),
  native: jinaKey(flag, 'Without a container. Always so here, whatever is written.', 'true'),
  install_requirements: refusedKey('installing Python packages', [false], 'install with npm before the start'),
};

/** Keys that Jina's own processes hand to one another. */
export const refusedInternals = {
  runtime_cls: refusedKey(internal),
  pod_role: refusedKey(internal),
  deployment_role: refusedKey(internal),
  shard_id: refusedKey(internal),
  replica_id: refusedKey(internal),
  noblock_on_start: refusedKey(internal, [false]),
  k8s_namespace: refusedKey(internal),
  env_from_secret: refusedKey(internal),
  image_pull_secrets: refusedKey(internal),
  force_network_mode: refusedKey(internal),
  graph_description: refusedKey(internal),
  graph_conditions: refusedKey(internal),
  deployments_addresses: refusedKey(internal),
  deployments_metadata: refusedKey(internal),
  deployments_no_reduce: refusedKey(internal),
  connection_list: refusedKey(internal),
  uses_before_address: refusedKey(internal),
  uses_after_address: refusedKey(internal),
};

/** Keys of executors, also handed down by `with`, that Sluice does not serve. */
export const refusedHandedDown = {
  shards: refusedKey('parts of an index in processes of their own', [1]),
  polling: refusedKey('which shards are asked', ['ANY', 'any']),
  uses_before: refusedKey('an executor before the shards'),
  uses_after: refusedKey('an executor after the shards'),
  output_array_type: refusedKey('array type of Python'),
  exit_on_exceptions: refusedList('exceptions that end the worker'),
  allow_concurrent: refusedKey('several calls at a time', [false], 'write concurrency'),
  when: refusedKey('a condition that filters documents'),
  external: refusedKey('an executor that runs elsewhere', [false]),
  grpc_metadata: refusedKey('metadata of calls to the executor'),
};

/** Keys that only executors have and that Sluice does not serve. */
export const refusedInExecutors = {
  ...refusedHandedDown,
  host: refusedKey('address of an executor elsewhere', ['0.0.0.0']),
  port: refusedKey('port of an executor', [], 'workers need no port'),
  ports: refusedKey('port of an executor', [], 'workers need no port'),
  port_expose: refusedKey('port of an executor', [], 'workers need no port'),
  port_in: refusedKey('port of an executor', [], 'workers need no port'),
  protocol: refusedKey('protocol of an executor', ['GRPC', 'grpc'], 'workers need no protocol'),
  protocols: refusedKey('protocol of an executor', ['GRPC', 'grpc'], 'workers need no protocol'),
  tls: refusedKey('TLS towards an executor elsewhere', [false]),
  ssl_certfile: refusedKey('TLS of an executor'),
  ssl_keyfile: refusedKey('TLS of an executor'),
  title: refusedKey('title of the page of an executor alone', [], 'write it under with or gateway'),
  description: refusedKey('description of the page of an executor alone', [], 'write it under with or gateway'),
  cors: refusedKey('CORS of an executor alone', [false], 'write it under with or gateway'),
  metrics: refusedKey('push of metrics over OTLP', [false], 'metrics of all executors are at /metrics of the gateway'),
  tracing: refusedKey('tracing of one executor', [false], 'write tracing under with: it is for the whole flow'),
  traces_exporter_host: refusedKey('traces of one executor', [], 'write it under with'),
  traces_exporter_port: refusedKey('traces of one executor', [], 'write it under with'),
};
