import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { flowReference, type KeyReference } from '../../../flows/index.ts';
import { faultsIn } from './flow-text.ts';

const byTitle = new Map(flowReference().map((section) => [section.title, section.keys]));

function keysOf(title: string): readonly KeyReference[] {
  const keys = byTitle.get(title);
  assert.ok(keys);
  return keys;
}

/** Arguments of Jina by the places where it takes them: the flow, its gateway, executors. */
const arguments_: Readonly<Record<string, readonly string[]>> = {
  with: `name workspace workspace_id log_config quiet quiet_error suppress_root_logging uses reload env inspect asyncio
    host port ports port_expose port_in protocol protocols tls proxy prefetch timeout_send timeout_ctrl retries
    compression grpc_channel_options ssl_certfile ssl_keyfile uvicorn_kwargs title description cors
    no_debug_endpoints no_crud_endpoints expose_endpoints expose_graphql_endpoint monitoring port_monitoring tracing
    traces_exporter_host traces_exporter_port metrics metrics_exporter_host metrics_exporter_port`.split(/\s+/),
  gateway: `name workspace workspace_id log_config quiet quiet_error reload env host port protocol proxy prefetch
    timeout_send timeout_ready timeout_ctrl retries compression grpc_server_options grpc_channel_options ssl_certfile
    ssl_keyfile uvicorn_kwargs title description cors no_debug_endpoints no_crud_endpoints expose_endpoints
    expose_graphql_endpoint uses uses_with uses_metas uses_requests uses_dynamic_batching py_modules
    extra_search_paths replicas floating native entrypoint monitoring port_monitoring tracing traces_exporter_host
    traces_exporter_port metrics metrics_exporter_host metrics_exporter_port stateful peer_ports raft_configuration
    provider provider_endpoint runtime_cls pod_role graph_description deployments_addresses`.split(/\s+/),
  executors: `name workspace workspace_id log_config quiet quiet_error reload env host port ports protocol tls
    timeout_send timeout_ready timeout_ctrl retries compression grpc_server_options grpc_channel_options ssl_certfile
    ssl_keyfile uvicorn_kwargs title description cors uses uses_with uses_metas uses_requests uses_dynamic_batching
    py_modules extra_search_paths replicas shards polling uses_before uses_after no_reduce disable_reduce
    output_array_type exit_on_exceptions allow_concurrent when external grpc_metadata floating needs method native
    install_requirements entrypoint docker_kwargs volumes gpus disable_auto_volume force_update prefer_platform
    monitoring port_monitoring tracing traces_exporter_host traces_exporter_port metrics metrics_exporter_host
    metrics_exporter_port stateful peer_ports raft_configuration provider provider_endpoint shard_id replica_id
    noblock_on_start k8s_namespace connection_list uses_before_address uses_after_address`.split(/\s+/),
};

function sectionWith(title: string, text: string): string {
  const executor = title === 'executors' ? text : '';
  const sections = title === 'executors' ? '' : `${title}: { ${text} }\n`;
  return `jtype: Flow\n${sections}executors: [{ ${executor} }]\n`;
}

describe('keys of Jina', () => {
  for (const [title, known] of Object.entries(arguments_)) {
    it(`are all known in ${title}`, () => {
      const keys = new Set(keysOf(title).map((item) => item.key));
      assert.deepEqual(
        known.filter((key) => !keys.has(key)),
        [],
      );
    });

    it(`that are not served are refused by name in ${title}`, () => {
      for (const { key } of keysOf(title).filter((item) => !item.isServed)) {
        const faults = faultsIn(sectionWith(title, `${key}: { any: thing }`));
        assert.equal(faults.length, 1, key);
        assert.match(
          faults[0] ?? '',
          new RegExp(` ${key} is a Jina key that Sluice does not serve yet \\(got an object\\)`),
        );
      }
    });

    it(`that are not served pass in ${title} when their value asks for nothing`, () => {
      for (const { key, value } of keysOf(title).filter((item) => !item.isServed)) {
        for (const quoted of value === 'none' ? ['null'] : value.replaceAll('`', '').split(', ')) {
          assert.deepEqual(faultsIn(sectionWith(title, `${key}: ${quoted}`)), [], `${key}: ${quoted}`);
        }
      }
    });
  }

  it('that ask for nothing by a default of Jina pass: shards: 1, external: false and the like', () => {
    const text =
      'shards: 1, polling: ANY, external: false, retries: -1, timeout_ctrl: 60, log_config: default, tls: false';
    assert.deepEqual(
      faultsIn(sectionWith('executors', `${text}, native: true, monitoring: true, exit_on_exceptions: []`)),
      [],
    );
    assert.deepEqual(faultsIn(sectionWith('executors', 'shards: 2')), [
      '2:23 shards is a Jina key that Sluice does not serve yet (got the number 2); leave it out or write 1',
    ]);
  });
});

describe('keys that nobody knows', () => {
  it('are faults at the key, with the key that was meant', () => {
    assert.deepEqual(faultsIn('jtype: Flow\nexecuters: [{}]\nexecutors: [{ replcas: 2 }]\n'), [
      '2:1 unknown key "executers"; did you mean "executors"?',
      '3:15 unknown key "replcas"; did you mean "replicas"?',
    ]);
    assert.deepEqual(faultsIn(sectionWith('with', 'prot: 1')), ['2:9 unknown key "prot"; did you mean "port"?']);
    assert.deepEqual(faultsIn(sectionWith('executors', 'xyzzy: 1')), ['2:15 unknown key "xyzzy"']);
  });

  it('are told where they belong when another section has them', () => {
    assert.deepEqual(faultsIn('jtype: Flow\nport: 5\nexecutors: [{}]\n'), [
      '2:1 unknown key "port" here; it is a key of with and of gateway',
    ]);
    assert.match(faultsIn(sectionWith('with', 'needs: a')).join(), /it is a key of an executor and of a Deployment/);
    assert.match(faultsIn('jtype: Flow\npods: [{}]\nexecutors: [{}]\n').join(), /it is called "executors" now/);
  });

  it('are not what every object has', () => {
    assert.deepEqual(faultsIn(sectionWith('with', 'constructor: 5, toString: 5')), [
      '2:9 unknown key "constructor"',
      '2:25 unknown key "toString"',
    ]);
  });

  it('do not pass beside executors under their other name', () => {
    assert.match(
      faultsIn('jtype: Flow\nexecutors: [{}]\ndeployments: [{}]\n').join(),
      /deployments is another name of executors/,
    );
  });
});

describe('the reference', () => {
  it('describes every key', () => {
    for (const [title, keys] of byTitle) {
      for (const { key, description, value } of keys) {
        assert.ok(description.length > 5 && value !== '', `${title}.${key}`);
      }
    }
  });
});
