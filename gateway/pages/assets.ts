import { readFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

/** A page, ready to be sent. */
export interface PageAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string | Buffer;
}

const resolve = createRequire(import.meta.url).resolve;
const files = new Map<string, Promise<PageAnswer>>();

/** Nothing of the page comes from, or goes to, another place. */
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

const page = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css" />
  </head>
  <body>
    <div id="api"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;

// The validator would send the document to a service elsewhere.
const start = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#api', validatorUrl: null, deepLinking: true });
`;

/** A file of the API page, read once. Its library ships in a package; nothing is fetched from the network. */
export function readAsset(name: string): Promise<PageAnswer> {
  let answer = files.get(name);
  if (answer === undefined) {
    answer = load(name);
    files.set(name, answer);
  }
  return answer;
}

async function load(name: string): Promise<PageAnswer> {
  const text = name === 'index.html' ? page : name === 'start.js' ? start : undefined;
  const headers = {
    'content-type': `text/${name.endsWith('.css') ? 'css' : name.endsWith('.js') ? 'javascript' : 'html'}; charset=utf-8`,
    'content-security-policy': policy,
    ...(text === undefined ? { 'cache-control': 'public, max-age=3600' } : {}),
  };
  return { status: 200, headers, body: text ?? (await readFile(path.join(libraryFolder(), name))) };
}

function libraryFolder(): string {
  return path.join(path.dirname(resolve('@fastify/swagger-ui')), 'static');
}
