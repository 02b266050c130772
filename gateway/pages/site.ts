import type { JsonObject } from '../../core/index.ts';
import type { EndpointDirectory } from '../endpoints.ts';
import type { Page, PathTable } from '../paths.ts';
import { dryRun, readiness, statusPage } from '../probes.ts';
import { type PageAnswer, readAsset } from './assets.ts';
import { openapiDocument } from './openapi.ts';

export interface SiteParts {
  readonly title: string;
  readonly description: string;
  readonly endpoints: EndpointDirectory;
  /** What `/v1/models` lists. */
  readonly models: readonly string[];
  metricsPage(): Promise<{ contentType: string; body: string }>;
}

/** Everything the gateway answers itself: probes, metrics, the API document and its page. */
export class Site {
  readonly #parts: SiteParts;
  /** Unix seconds. */
  readonly #startedAt = Math.floor(Date.now() / 1000);
  #document: { readonly paths: PathTable; readonly text: string } | undefined;

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  async answer(page: Page, paths: PathTable, isDraining: boolean): Promise<PageAnswer> {
    const { endpoints } = this.#parts;
    switch (page) {
      case 'root':
        return jsonPage('{}');
      case 'live':
        return jsonPage('{"status":"live"}');
      case 'ready': {
        const { isReady, body } = readiness(endpoints.status(), isDraining);
        return { ...jsonPage(JSON.stringify(body)), status: isReady ? 200 : 503 };
      }
      case 'dryRun':
        return jsonPage(JSON.stringify(dryRun(endpoints.status(), isDraining)));
      case 'status':
        return jsonPage(JSON.stringify(statusPage()));
      case 'metrics': {
        const { contentType, body } = await this.#parts.metricsPage();
        return { status: 200, headers: { 'content-type': contentType }, body };
      }
      case 'models':
        return jsonPage(JSON.stringify(modelList(this.#parts.models, this.#startedAt)));
      case 'openapi':
        return jsonPage(this.#openapi(paths));
      case 'docs':
        return readAsset('index.html');
      case 'redoc':
        return { status: 307, headers: { location: '/docs' }, body: '' };
    }
  }

  /** A file that the page at /docs loads; undefined when it is none. */
  async asset(path: string): Promise<PageAnswer | undefined> {
    return assetNames.has(path) ? readAsset(path.slice('/docs/'.length)) : undefined;
  }

  #openapi(paths: PathTable): string {
    if (this.#document?.paths !== paths) {
      this.#document = { paths, text: JSON.stringify(openapiDocument(this.#parts, paths)) };
    }
    return this.#document.text;
  }
}

/** Models in OpenAI's form. */
function modelList(models: readonly string[], created: number): JsonObject {
  return { object: 'list', data: models.map((id) => ({ id, object: 'model', created, owned_by: 'sluice' })) };
}

function jsonPage(body: string): PageAnswer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

const assetNames = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js'].map((name) => `/docs/${name}`));
