import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { FlowError } from '../../core/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';
import { fetchHubFiles, type HubFile } from './hub-download.ts';
import { ModelFolder, type WeightDtype, weightPaths } from './model-folder.ts';

/** Which model, and how it may be had. */
export interface ModelRequest {
  readonly model: string;
  readonly revision: string;
  readonly download: boolean;
  readonly cache?: string | undefined;
}

/** What of a model is needed beside its tokenizer. */
export interface ModelPart {
  /** Missing: no weights. */
  readonly weights?: WeightDtype | 'auto';
}

const hubName = /^[\w.-]+\/[\w.-]+$/;
const tokenizerFiles = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
/** What sentence encoders say about themselves; many models lack some. */
const describingFiles = ['sentence_bert_config.json', 'modules.json', '1_Pooling/config.json'];

/**
 * Finds a model: a folder as it is, a hub name in the cache, else on the hub.
 *
 * The cache has one folder `ORG/NAME` for each model, as transformers.js lays it out, so its cache can be used here.
 * Environment: `SLUICE_MODELS` (cache folder), `SLUICE_OFFLINE` or `HF_HUB_OFFLINE` (fetch nothing), `HF_ENDPOINT`
 * (another hub), `HF_TOKEN`.
 *
 * @throws `model_unavailable`; the message says what to do.
 */
export async function openModel(
  request: ModelRequest,
  part: ModelPart,
  context: ExecutorContext,
): Promise<ModelFolder> {
  const { model } = request;
  if (isFolder(model)) return checked(new ModelFolder(model, resolve(model)), part);
  if (!hubName.test(model)) {
    throw new FlowError(
      'model_unavailable',
      model.startsWith('$')
        ? `the model is ${model}: that variable is not set; set it to the path of a model folder or to a hub name (ORG/NAME)`
        : `there is no model folder ${model}; expected the path of a folder, or a hub name (ORG/NAME)`,
    );
  }
  const { env } = context;
  const cache = request.cache ?? env['SLUICE_MODELS'] ?? join(homedir(), '.cache', 'sluice', 'models');
  const path = resolve(cache, model, request.revision === 'main' ? '' : request.revision);
  const folder = new ModelFolder(model, path);
  if (isComplete(folder, part)) return folder;
  const isOffline = isOn(env['SLUICE_OFFLINE']) || isOn(env['HF_HUB_OFFLINE']);
  if (!request.download || isOffline) {
    throw new FlowError(
      'model_unavailable',
      `${model} is not in the model cache (${path}) and fetching is switched off (${isOffline ? 'SLUICE_OFFLINE or HF_HUB_OFFLINE is set' : 'download: false'}). ${howToBring(path)}`,
    );
  }
  try {
    await fetchHubFiles(
      {
        model,
        revision: request.revision,
        hub: env['HF_ENDPOINT'] ?? 'https://huggingface.co',
        token: env['HF_TOKEN'],
        folder: path,
      },
      filesOf(folder, part),
      (progress) => context.progress({ state: 'downloading', ...progress }),
    );
  } catch (error) {
    const fault = FlowError.from(error, 'model_unavailable');
    throw new FlowError('model_unavailable', `cannot fetch ${model}: ${fault.message}. ${howToBring(path)}`, {
      cause: error,
    });
  }
  return checked(folder, part);
}

function howToBring(path: string): string {
  return `Without a way to the hub, copy the model's files to ${path}, or give the path of a folder that has them as the model.`;
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value.toLowerCase() !== 'false';
}

function isComplete(folder: ModelFolder, part: ModelPart): boolean {
  if (!tokenizerFiles.every((file) => folder.has(file))) return false;
  return part.weights === undefined || weightPaths(part.weights).some((file) => folder.has(file));
}

function checked(folder: ModelFolder, part: ModelPart): ModelFolder {
  const missing = tokenizerFiles.filter((file) => !folder.has(file));
  if (missing.length > 0) {
    throw new FlowError(
      'model_unavailable',
      `${folder.name} is no model folder in hub layout: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    );
  }
  if (part.weights !== undefined) folder.weights(part.weights);
  return folder;
}

/** Weights come last, so that a folder with weights is complete. */
function filesOf(folder: ModelFolder, part: ModelPart): HubFile[] {
  const files: HubFile[] = tokenizerFiles.map((file) => ({ anyOf: [file], isOptional: false }));
  for (const file of describingFiles) files.push({ anyOf: [file], isOptional: true });
  if (part.weights !== undefined)
    files.push({ anyOf: weightPaths(part.weights), isOptional: false, companion: '_data' });
  return files.filter(({ anyOf }) => !anyOf.some((file) => folder.has(file)));
}
