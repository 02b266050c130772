export { calibrate, type ModelCall } from './calibration.ts';
export { dtypeOption, modelOptions } from './model-options.ts';
export { ModelFolder, type WeightDtype } from './model-folder.ts';
export { type ModelPart, type ModelRequest, openModel } from './model-store.ts';
export { readRequests, readRows } from './request-rows.ts';
export { searchParameters } from './search-parameters.ts';
export { type EncodedRows, type EncoderSettings, SentenceEncoder } from './sentence-encoder.ts';
export { TextTokenizer } from './text-tokenizer.ts';
export { tokenIds } from './token-rows.ts';
