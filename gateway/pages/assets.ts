import { readFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlowError } from '../../core/index.ts';

/** A page, ready to be sent. */
export interface PageAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string | Buffer;
}

const docsPage = `<!DOCTYPE html>
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

/** Nothing of a page comes from, or goes to, another place. */
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/** Where the file of a page is: a path in its folder, or its text. */
type Place = { readonly file: string } | { readonly text: string };

const require = createRequire(import.meta.url);
/** The page of the API ships in a package; nothing is fetched from the network. */
const library = (name: string): Place => ({
  file: path.join(path.dirname(require.resolve('@fastify/swagger-ui')), 'static', name),
});
const own = (folder: string) => {
  return (name: string): Place => ({ file: fileURLToPath(new URL(`${folder}/${name}`, import.meta.url)) });
};
const search = own('search');
const dashboard = own('dashboard');

const places: ReadonlyMap<string, Place> = new Map([
  ['docs/index.html', { text: docsPage }],
  // The validator would send the document to a service elsewhere.
  [
    'docs/start.js',
    { text: `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#api', validatorUrl: null, deepLinking: true });\n` },
  ],
  ['docs/swagger-ui.css', library('swagger-ui.css')],
  ['docs/swagger-ui-bundle.js', library('swagger-ui-bundle.js')],
  ['dashboard/base.css', own('.')('base.css')],
  ['dashboard/index.html', dashboard('index.html')],
  ['dashboard/dashboard.css', dashboard('dashboard.css')],
  ['dashboard/dashboard.js', dashboard('dashboard.js')],
  ['ui/base.css', own('.')('base.css')],
  ['ui/index.html', search('index.html')],
  ['ui/search.css', search('search.css')],
  ['ui/search.js', search('search.js')],
]);

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
};

const answers = new Map<string, Promise<PageAnswer>>();

/** Whether a page of the gateway has the file `name`, such as `docs/start.js`. */
export function isAsset(name: string): boolean {
  return places.has(name);
}

/** A file of a page, read once. */
export function readAsset(name: string): Promise<PageAnswer> {
  let answer = answers.get(name);
  if (answer === undefined) {
    answer = load(name);
    answers.set(name, answer);
  }
  return answer;
}

async function load(name: string): Promise<PageAnswer> {
  const place = places.get(name);
  if (place === undefined) throw new FlowError('internal', `there is no page file ${name}`);
  const headers = {
    'content-type': `${types[path.extname(name)] ?? 'application/octet-stream'}; charset=utf-8`,
    'content-security-policy': policy,
    'cache-control': name.startsWith('docs/swagger') ? 'public, max-age=3600' : 'no-cache',
  };
  return { status: 200, headers, body: 'text' in place ? place.text : await readFile(place.file) };
}
