import type { JsonObject } from '../../core/index.ts';
import type { EndpointDirectory } from '../endpoints.ts';
import { type Page, pages, type PathTable } from '../paths.ts';
import { dryRun, readiness, statusPage } from '../probes.ts';
import { isAsset, type PageAnswer, readAsset } from './assets.ts';
import type { LiveSnapshot } from './live.ts';
import { openapiDocument } from './openapi.ts';

export interface SiteParts {
  readonly title: string;
  readonly description: string;
  readonly searchPage: boolean;
  readonly endpoints: EndpointDirectory;
  /** The flow as it is now. */
  live(isDraining: boolean): LiveSnapshot;
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

  /** @param accept the caller's Accept header: a browser that opens / is led to the search page, where there is one */
  async answer(page: Page, paths: PathTable, isDraining: boolean, accept = ''): Promise<PageAnswer> {
    const { endpoints } = this.#parts;
    switch (page) {
      case 'root':
        if (this.#parts.searchPage && accept.includes('text/html')) return redirect(pages.search);
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
        return readAsset('docs/index.html');
      case 'redoc':
        return redirect(pages.docs);
      case 'search':
        return readAsset('ui/index.html');
      case 'dashboard':
        return readAsset('dashboard/index.html');
      case 'liveView':
        return jsonPage(JSON.stringify(this.#parts.live(isDraining)));
    }
  }

  /** A file that one of the pages loads; undefined when it is none. */
  async asset(path: string, paths: PathTable): Promise<PageAnswer | undefined> {
    const name = path.slice(1);
    if (name.startsWith('ui/') && !paths.has(pages.search)) return undefined;
    if (name.startsWith('dashboard/') && !paths.has(pages.dashboard)) return undefined;
    return isAsset(name) ? readAsset(name) : undefined;
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

function redirect(location: string): PageAnswer {
  return { status: 307, headers: { location }, body: '' };
}
