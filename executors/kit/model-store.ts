import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlowError } from '../../core/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';
import { fetchHubFiles, type HubFile } from './hub-download.ts';
import { hashedFeaturesFile } from './hashed-features.ts';
import { ModelFolder, type Tower, type WeightDtype, weightPaths } from './model-folder.ts';
import { pictureFile } from './picture-settings.ts';

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
  /** Whether the picture tower of a model that has one is needed; default false. */
  readonly pictures?: boolean;
}

/** Models of the package itself. */
const shippedModels = ['mini'];
const hubName = /^[\w.-]+\/[\w.-]+$/;
const configFile = 'config.json';
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json'];
/** What sentence encoders say about themselves; many models lack some. */
const describingFiles = ['sentence_bert_config.json', 'modules.json', '1_Pooling/config.json'];

/**
 * Finds a model: a folder as it is, a shipped model in the package, a hub name in the cache, else on the hub.
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
  if (shippedModels.includes(model) && !isFolder(model)) return shipped(model, part);
  if (isFolder(model)) return checked(new ModelFolder(model, resolve(model)), part);
  if (!hubName.test(model)) {
    throw new FlowError(
      'model_unavailable',
      model.startsWith('$')
        ? `the model is ${model}: that variable is not set; set it to the path of a model folder or to a hub name (ORG/NAME)`
        : `there is no model folder ${model}; expected the path of a folder, or a hub name (ORG/NAME), or ${shippedModels.join(', ')}, which ships with Sluice`,
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
    const source = {
      model,
      revision: request.revision,
      hub: env['HF_ENDPOINT'] ?? 'https://huggingface.co',
      token: env['HF_TOKEN'],
      folder: path,
    };
    const fetch = async (files: readonly HubFile[]): Promise<void> => {
      const missing = files.filter(({ anyOf }) => !anyOf.some((file) => folder.has(file)));
      await fetchHubFiles(source, missing, (progress) => context.progress({ state: 'downloading', ...progress }));
    };
    // What the other files are hangs on what the model says it is.
    await fetch([{ anyOf: [configFile], isOptional: false }]);
    await fetch(filesOf(folder, part));
  } catch (error) {
    const fault = FlowError.from(error, 'model_unavailable');
    throw new FlowError('model_unavailable', `cannot fetch ${model}: ${fault.message}. ${howToBring(path)}`, {
      cause: error,
    });
  }
  return checked(folder, part);
}

/** A model of the package's own folder `models`. */
function shipped(model: string, part: ModelPart): ModelFolder {
  let root = dirname(fileURLToPath(import.meta.url));
  // The sources lie in the package's root, compiled files below dist.
  while (!existsSync(join(root, 'package.json')) && dirname(root) !== root) root = dirname(root);
  const path = join(root, 'models', model);
  if (isFolder(path)) return checked(new ModelFolder(model, path), part);
  throw new FlowError(
    'model_unavailable',
    `the model ${model}, which ships with Sluice, is not at ${path}; install the package anew, or give another model`,
  );
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

/** Files that a model cannot be without, beside its weights. */
function requiredFiles(folder: ModelFolder, part: ModelPart): string[] {
  if (!folder.has(configFile)) return [configFile, ...tokenizerFiles];
  const ofTexts = folder.isOwnModel ? [hashedFeaturesFile] : tokenizerFiles;
  const ofPictures = part.pictures === true && folder.hasTwoTowers ? [pictureFile] : [];
  return [configFile, ...ofTexts, ...ofPictures];
}

/** Possible files of each weight file that is needed. */
function requiredWeights(folder: ModelFolder, { weights, pictures }: ModelPart): string[][] {
  if (weights === undefined) return [];
  const towers: Tower[] = !folder.hasTwoTowers
    ? ['model']
    : pictures === true
      ? ['text_model', 'vision_model']
      : ['text_model'];
  return towers.map((tower) => weightPaths(tower, weights));
}

function isComplete(folder: ModelFolder, part: ModelPart): boolean {
  if (!requiredFiles(folder, part).every((file) => folder.has(file))) return false;
  return requiredWeights(folder, part).every((files) => files.some((file) => folder.has(file)));
}

function checked(folder: ModelFolder, part: ModelPart): ModelFolder {
  const missing = requiredFiles(folder, part).filter((file) => !folder.has(file));
  if (missing.length > 0) {
    throw new FlowError(
      'model_unavailable',
      `${folder.name} is no model folder in hub layout: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    );
  }
  return folder;
}

/** Weights come last, so that a folder with weights is complete. */
function filesOf(folder: ModelFolder, part: ModelPart): HubFile[] {
  return [
    ...requiredFiles(folder, part).map((file) => ({ anyOf: [file], isOptional: false })),
    ...describingFiles.map((file) => ({ anyOf: [file], isOptional: true })),
    ...requiredWeights(folder, part).map((anyOf) => ({ anyOf, isOptional: false, companion: '_data' })),
  ];
}
