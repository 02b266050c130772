import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowError } from '../../../core/index.ts';
import { otlpVariables } from '../../../observability/otlp-address.ts';

describe('OTLP address', () => {
  const cases: [address: string, environment: string | undefined, protocol: string | undefined, url: string][] = [
    ['http://collector:4318', undefined, undefined, 'http://collector:4318/v1/traces'],
    ['https://collector/', undefined, undefined, 'https://collector/v1/traces'],
    ['http://collector:4318/own/path', undefined, undefined, 'http://collector:4318/own/path'],
    ['http://collector:4318', 'http/json', undefined, 'http://collector:4318/v1/traces'],
    ['http://collector:4317', undefined, 'grpc', 'http://collector:4317'],
    ['http://collector:4317', 'http/protobuf', undefined, 'http://collector:4317/v1/traces'],
    ['http://collector:5555', 'grpc', undefined, 'http://collector:5555'],
    ['grpc://collector:5555', undefined, 'grpc', 'http://collector:5555'],
    ['grpc://collector:5555', 'http/json', 'grpc', 'http://collector:5555'],
    ['grpcs://collector:5555', undefined, 'grpc', 'https://collector:5555'],
  ];
  for (const [address, environment, protocol, url] of cases) {
    it(`${address} with protocol ${environment ?? 'not set'} means ${protocol ?? 'that protocol'} to ${url}`, () => {
      const variables = otlpVariables(address, environment);
      assert.equal(variables['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'], protocol);
      assert.equal(variables['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'], url);
    });
  }

  for (const address of ['collector:4317', 'collector', '', 'ftp://collector']) {
    it(`refuses ${JSON.stringify(address)}`, () => {
      assert.throws(
        () => otlpVariables(address, undefined),
        (error) => error instanceof FlowError && error.reason === 'invalid_argument',
      );
    });
  }
});
