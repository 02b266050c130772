import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openModel } from '../../../../executors/kit/index.ts';
import { executorContext } from '../../../fixtures/contexts/executor-context.ts';

const files: Record<string, string> = {
  'config.json': '{"vocab_size": 3}',
  'tokenizer.json': '{}',
  'tokenizer_config.json': '{}',
  'onnx/model_quantized.onnx': 'weights'.repeat(1000),
  '1_Pooling/config.json': '{"pooling_mode_cls_token": true}',
};

describe('openModel', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-model-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const request = (model: string, fields = {}) => ({
    model,
    revision: 'main',
    download: true,
    cache: folder,
    ...fields,
  });

  function write(where: string, names: readonly string[] = Object.keys(files)): void {
    for (const name of names) {
      const file = path.join(where, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, files[name] ?? '');
    }
  }

  it('takes a folder as it is', async () => {
    write(folder);
    const model = await openModel(request(folder), { weights: 'auto' }, executorContext());
    assert.equal(model.path, folder);
    assert.equal(model.weights('model', 'int8'), path.join(folder, 'onnx/model_quantized.onnx'));
  });

  it('takes full precision before smaller weights, and the weights that are asked for before others', async () => {
    write(folder);
    writeFileSync(path.join(folder, 'onnx/model.onnx'), 'x');
    const model = await openModel(request(folder), { weights: 'auto' }, executorContext());
    assert.equal(path.basename(model.weights('model', 'auto')), 'model.onnx');
    assert.equal(path.basename(model.weights('model', 'int8')), 'model_quantized.onnx');
    assert.throws(() => model.weights('model', 'fp16'), {
      reason: 'model_unavailable',
      message: /no fp16 weights.*model_fp16\.onnx/,
    });
  });

  for (const { name, model, env, fields, message } of [
    {
      name: 'a folder that is not there',
      model: './nowhere/at/all',
      message: /no model folder .\/nowhere\/at\/all; expected the path of a folder, or a hub name/,
    },
    {
      name: 'a variable that is not set',
      model: '$SLUICE_MODEL',
      message: /\$SLUICE_MODEL: that variable is not set; set it to the path/,
    },
    {
      name: 'a hub model when offline',
      model: 'ORG/NAME',
      env: { SLUICE_OFFLINE: '1' },
      message: /ORG\/NAME is not in the model cache .*SLUICE_OFFLINE.*copy the model's files to .*ORG\/NAME/,
    },
    {
      name: 'a hub model that may not be fetched',
      model: 'ORG/NAME',
      fields: { download: false },
      message: /download: false/,
    },
    {
      name: 'a hub that cannot be reached',
      model: 'ORG/NAME',
      env: { HF_ENDPOINT: 'http://127.0.0.1:1' },
      message: /cannot fetch ORG\/NAME: the hub http:\/\/127\.0\.0\.1:1 cannot be reached.*copy the model's files/,
    },
  ]) {
    it(`says what to do about ${name}`, async () => {
      await assert.rejects(openModel(request(model, fields), {}, executorContext({ env: env ?? {} })), {
        reason: 'model_unavailable',
        message,
      });
    });
  }

  it('names the files that a folder lacks', async () => {
    write(folder, ['config.json']);
    await assert.rejects(openModel(request(folder), {}, executorContext()), {
      message: /tokenizer\.json and tokenizer_config\.json are missing/,
    });
  });

  describe('with a hub', () => {
    let hub: Server;
    let asked: string[];
    let env: Record<string, string>;
    let answers: Record<string, string>;
    /** Checksums that the hub tells, by file. */
    let etags: Record<string, string>;
    /** Range headers of the requests for weights. */
    let ranges: (string | undefined)[];
    /** Ending of a file whose first transfer breaks after 10 bytes. */
    let broken: string | undefined;

    beforeEach(async () => {
      asked = [];
      answers = { ...files };
      etags = {};
      ranges = [];
      broken = undefined;
      hub = createServer((incoming, response) => {
        asked.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
        const file = (incoming.url ?? '').replace(/^\/ORG\/NAME\/resolve\/[^/]+\//, '');
        const content = answers[file];
        const { range } = incoming.headers;
        const from = Number(/\d+/.exec(range ?? '')?.[0] ?? 0);
        const headers = etags[file] === undefined ? {} : { etag: `"${etags[file]}"` };
        if (content === undefined) response.writeHead(404).end();
        else if (incoming.method === 'HEAD') response.writeHead(200, headers).end();
        else {
          if (file.endsWith('.onnx')) ranges.push(range);
          const rest = content.slice(from);
          response.writeHead(range === undefined ? 200 : 206, { 'content-length': rest.length });
          if (broken !== undefined && file.endsWith(broken)) {
            broken = undefined;
            response.write(rest.slice(0, 10), () => response.destroy());
          } else response.end(rest);
        }
      });
      await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
      env = { HF_ENDPOINT: `http://127.0.0.1:${(hub.address() as AddressInfo).port}` };
    });
    afterEach(async () => {
      hub.closeAllConnections();
      await new Promise((resolve) => hub.close(resolve));
    });

    it('fetches what a model needs and tells how far it is', async () => {
      const context = executorContext({ env });
      const model = await openModel(request('ORG/NAME'), { weights: 'auto' }, context);
      for (const [name, content] of Object.entries(files)) {
        assert.equal(readFileSync(path.join(model.path, name), 'utf8'), content);
      }
      assert.ok(context.steps.every(({ state }) => state === 'downloading'));
      assert.deepEqual(context.steps.at(-1)?.message, 'ORG/NAME onnx/model_quantized.onnx');
      assert.equal(context.steps.at(-1)?.fraction, 1);
    });

    it('asks the hub for nothing when the model is in the cache', async () => {
      await openModel(request('ORG/NAME'), { weights: 'auto' }, executorContext({ env }));
      const before = asked.length;
      await openModel(request('ORG/NAME'), { weights: 'auto' }, executorContext({ env }));
      assert.equal(asked.length, before);
    });

    it('fetches no weights for a tokenizer, and the weights when an encoder asks for them', async () => {
      const model = await openModel(request('ORG/NAME'), {}, executorContext({ env }));
      assert.equal(existsSync(path.join(model.path, 'onnx')), false);
      await openModel(request('ORG/NAME'), { weights: 'auto' }, executorContext({ env }));
      assert.equal(asked.filter((line) => line === 'GET /ORG/NAME/resolve/main/tokenizer.json').length, 1);
      assert.ok(existsSync(path.join(model.path, 'onnx/model_quantized.onnx')));
    });

    it('brings external weights before the file that names them', async () => {
      answers['onnx/model_quantized.onnx_data'] = 'big';
      await openModel(request('ORG/NAME'), { weights: 'int8' }, executorContext({ env }));
      const gets = asked.filter((line) => line.startsWith('GET') && line.includes('onnx'));
      assert.deepEqual(
        gets.map((line) => path.basename(line)),
        ['model_quantized.onnx_data', 'model_quantized.onnx'],
      );
    });

    it('keeps revisions apart', async () => {
      const model = await openModel(request('ORG/NAME', { revision: 'v1.0' }), {}, executorContext({ env }));
      assert.equal(model.path, path.join(folder, 'ORG/NAME/v1.0'));
      assert.ok(asked.includes('GET /ORG/NAME/resolve/v1.0/config.json'));
    });

    it('goes on where a transfer broke, until the file is whole', async () => {
      broken = 'model_quantized.onnx';
      await openModel(request('ORG/NAME'), { weights: 'auto' }, executorContext({ env }));
      const file = path.join(folder, 'ORG/NAME/onnx/model_quantized.onnx');
      assert.equal(readFileSync(file, 'utf8'), files['onnx/model_quantized.onnx']);
      assert.deepEqual(ranges, [undefined, 'bytes=10-']);
      assert.deepEqual(readdirSync(path.dirname(file)), ['model_quantized.onnx']);
    });

    it('goes on with the part that an ended process left', async () => {
      const onnx = path.join(folder, 'ORG/NAME/onnx');
      mkdirSync(onnx, { recursive: true });
      const ended = spawnSync(process.execPath, ['--version']).pid;
      writeFileSync(path.join(onnx, `model_quantized.onnx.${ended}.part`), 'weig');
      await openModel(request('ORG/NAME'), { weights: 'auto' }, executorContext({ env }));
      assert.deepEqual(ranges, ['bytes=4-']);
      assert.equal(readFileSync(path.join(onnx, 'model_quantized.onnx'), 'utf8'), files['onnx/model_quantized.onnx']);
    });

    it('begins anew when the part was of another version of the file', async () => {
      etags['onnx/model_quantized.onnx'] = createHash('sha256')
        .update(files['onnx/model_quantized.onnx'] ?? '')
        .digest('hex');
      const onnx = path.join(folder, 'ORG/NAME/onnx');
      mkdirSync(onnx, { recursive: true });
      writeFileSync(path.join(onnx, `model_quantized.onnx.${process.pid}.part`), 'other');
      await openModel(request('ORG/NAME'), { weights: 'auto' }, executorContext({ env }));
      assert.deepEqual(ranges, ['bytes=5-', undefined]);
      assert.equal(readFileSync(path.join(onnx, 'model_quantized.onnx'), 'utf8'), files['onnx/model_quantized.onnx']);
    });

    for (const [kind, etag] of [
      ['SHA-256', '0'.repeat(64)],
      ["git's", '0'.repeat(40)],
    ] as const) {
      it(`takes no file whose checksum (${kind}) is not the hub's`, async () => {
        etags['config.json'] = etag;
        await assert.rejects(openModel(request('ORG/NAME'), {}, executorContext({ env })), {
          reason: 'model_unavailable',
          message: /config\.json came with another checksum/,
        });
        assert.equal(existsSync(path.join(folder, 'ORG/NAME/config.json')), false);
      });
    }

    it("takes a small file that has git's checksum", async () => {
      const content = files['config.json'] ?? '';
      etags['config.json'] = createHash('sha1').update(`blob ${content.length}\0${content}`).digest('hex');
      const model = await openModel(request('ORG/NAME'), {}, executorContext({ env }));
      assert.equal(readFileSync(path.join(model.path, 'config.json'), 'utf8'), content);
    });

    it('fetches the towers, features and picture settings of a model that has them', async () => {
      const own = {
        'config.json': '{"model_type": "sluice-mini"}',
        'features.json': '{}',
        'preprocessor_config.json': '{}',
      };
      answers = { ...own, 'onnx/text_model_quantized.onnx': 'text', 'onnx/vision_model_fp16.onnx': 'pictures' };
      const model = await openModel(request('ORG/NAME'), { weights: 'auto', pictures: true }, executorContext({ env }));
      for (const file of Object.keys(answers)) assert.ok(existsSync(path.join(model.path, file)), file);
    });

    it('says that the hub has no such file', async () => {
      delete answers['tokenizer.json'];
      await assert.rejects(openModel(request('ORG/NAME'), {}, executorContext({ env })), {
        message: /the hub has no tokenizer\.json/,
      });
    });
  });

  it('reads a cache that transformers.js made', async () => {
    write(path.join(folder, 'ORG/NAME'));
    const env = { SLUICE_MODELS: folder, SLUICE_OFFLINE: '1' };
    const model = await openModel(
      { model: 'ORG/NAME', revision: 'main', download: true },
      { weights: 'auto' },
      executorContext({ env }),
    );
    assert.equal(model.path, path.join(folder, 'ORG/NAME'));
  });
});
