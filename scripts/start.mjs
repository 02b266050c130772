// `npm start`: set-up, then the search flow with the sentence encoder it needs.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const besideCheckout = path.join(root, '..', 'shared', 'models', 'all-minilm-l6-v2');
const model = process.env.SLUICE_MODEL ?? (existsSync(besideCheckout) ? besideCheckout : undefined);

if (model === undefined || !existsSync(model)) {
  console.error(
    [
      model === undefined
        ? 'npm start needs a sentence encoder, and SLUICE_MODEL names none.'
        : `npm start needs a sentence encoder, and SLUICE_MODEL names a folder that is not there: ${model}`,
      '',
      'Any BERT-like encoder in the layout of its Hugging Face repository fits: tokenizer.json, config.json and',
      'onnx/model.onnx or onnx/model_quantized.onnx, for example Xenova/all-MiniLM-L6-v2. With its folder at hand:',
      '',
      '  SLUICE_MODEL=/path/to/all-MiniLM-L6-v2 npm start',
    ].join('\n'),
  );
  process.exit(1);
}

// npm hands SIGTERM to the shell between it and this process, which dies without handing it on.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
}, 500).unref();

// In this process, not in a child: each signal of the terminal must arrive once.
process.env.SLUICE_MODEL = model;
process.argv.splice(2, Infinity, 'up', path.join(root, 'flows', 'search.yml'), ...process.argv.slice(2));
await import('../bin/sluice.js');
