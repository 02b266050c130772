import { z } from 'zod';
import type { Protocol } from './plan.ts';
import { expected, jinaKey } from './schema-key.ts';
import { filledText, oneOrMore } from './schema-value.ts';
import { suggestionText } from './suggestion.ts';

/** Protocols that the gateway speaks. */
const servedProtocols = ['http', 'grpc', 'websocket'] as const satisfies readonly Protocol[];

/** The port that users of CLIP-as-service know. */
export const defaultPort = 51000;

const portRange = 'a port from 0 to 65535';
const port = z
  .number(expected(portRange))
  .int(expected(portRange))
  .min(0, expected(portRange))
  .max(65535, expected(portRange));

const protocol = z
  .string(expected('the name of a protocol'))

  .meta({
    title: servedProtocols.map((name) => `\`${name}\``).join(', '),
    enum: servedProtocols.flatMap((name) => [name, name.toUpperCase()]),
  })
  .transform((value, context): Protocol => {
    const known = servedProtocols.find((name) => name === value.toLowerCase());
    if (known !== undefined) return known;
    context.addIssue({
      code: 'custom',
      message: `expected one of ${servedProtocols.join(', ')}, got "${value}"${suggestionText(value, servedProtocols)}`,
    });
    return z.NEVER;
  });

const ports = oneOrMore(port, `${portRange}, or a list of them`);
const protocols = oneOrMore(protocol, 'the name of a protocol, or a list of them');

/** Where the gateway listens; part of `with` and of `gateway`. */
export const listenerShape = {
  host: jinaKey(filledText, 'Address the gateway listens on; 0.0.0.0 for every network.', '127.0.0.1'),
  port: jinaKey(ports, 'Port of the gateway; 0 takes any free one. A list gives each protocol its own.', '51000'),
  ports: jinaKey(ports, 'The same as `port`.'),
  port_expose: jinaKey(ports, 'The same as `port`.'),
  port_in: jinaKey(ports, 'The same as `port`.'),
  protocol: jinaKey(
    protocols,
    'What the gateway speaks. Several on one port, or one for each of a list of ports.',
    'http',
  ),
  protocols: jinaKey(protocols, 'The same as `protocol`.'),
  ssl_certfile: jinaKey(
    filledText,
    'Certificate of the gateway (PEM), relative to the flow file. Needs `ssl_keyfile`.',
  ),
  ssl_keyfile: jinaKey(filledText, 'Private key of the certificate (PEM), relative to the flow file.'),
};
