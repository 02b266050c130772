import type { resources } from '@opentelemetry/sdk-node';
import { type IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate } from '@opentelemetry/otlp-grpc-exporter-base';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { writeAttributes } from './otlp-span.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/**
 * Sends export requests that are written already: address, headers, compression, certificates, time limit and retries
 * are those of the SDK's own exporters, out of the same OTEL_EXPORTER_OTLP_* variables.
 */
export function createOtlpExporter(protocol: 'grpc' | 'http/protobuf'): IOtlpExportDelegate<Uint8Array> {
  const serializer = {
    serializeRequest: (request: Uint8Array) => request,
    deserializeResponse: (response: Uint8Array) => ProtobufTraceSerializer.deserializeResponse(response),
  };
  if (protocol === 'grpc') {
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    const options = convertLegacyOtlpGrpcOptions({}, 'TRACES');
    return createOtlpGrpcExportDelegate(options, serializer, 'TraceExportService', path);
  }
  const headers = { 'Content-Type': 'application/x-protobuf' };
  const options = convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', headers);
  return createOtlpHttpExportDelegate(options, serializer);
}

/** Puts written spans into an ExportTraceServiceRequest, with who sends them and which library made them. */
export function otlpEnvelope(resource: resources.Resource, scopeName: string): (spans: Uint8Array) => Uint8Array {
  const head = new ProtobufWriter(1024);
  const resourceStart = head.open(1);
  writeAttributes(head, 1, resource.attributes);
  head.varint(2, 0);
  head.close(resourceStart);
  const scope = new ProtobufWriter(64);
  const scopeStart = scope.open(1);
  scope.string(1, scopeName);
  scope.close(scopeStart);
  return (spans) => {
    const request = new ProtobufWriter(spans.length + head.length + scope.length + 64);
    const resourceSpans = request.open(1);
    request.append(head.written);
    const scopeSpans = request.open(2);
    request.append(scope.written);
    request.append(spans);
    request.close(scopeSpans);
    if (resource.schemaUrl) request.string(3, resource.schemaUrl);
    request.close(resourceSpans);
    return request.written;
  };
}
