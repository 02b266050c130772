import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ExecutorLogger } from '../../../executors/sdk/index.ts';
import { FlowError } from '../../../core/index.ts';
import { createLogger, type LoggerOptions } from '../../../observability/index.ts';

type Line = Record<string, unknown>;

function recordingLogger(options: Partial<LoggerOptions> = {}) {
  const text: string[] = [];
  const destination = { write: (line: string) => text.push(line) };
  const logger = createLogger({ name: 'gateway', level: 'debug', destination, ...options });
  return { logger, text, last: (): Line => JSON.parse(text.at(-1) ?? '') as Line };
}

/** Something that fails three layers deep. */
function failedStart(): FlowError {
  const root = new TypeError('weights are not a file');
  const middle = new FlowError('model_unavailable', 'cannot read the model', {
    cause: root,
    details: { token: 's3cret' },
  });
  return new FlowError('executor_load_failed', 'encoder could not start', { cause: middle });
}

describe('logger', () => {
  it('writes one JSON object a line with level, time, name and message', () => {
    const { logger, last, text } = recordingLogger();
    logger.info({ port: 51000 }, 'ready');
    const { time, ...line } = last();
    assert.deepEqual(line, { level: 'info', name: 'gateway', pid: process.pid, port: 51000, msg: 'ready' });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal(text[0]?.split('\n').length, 2);
  });

  it('drops lines below its level', () => {
    const { logger, text } = recordingLogger({ level: 'warn' });
    logger.debug({}, 'no');
    logger.info({}, 'no');
    logger.warn({}, 'yes');
    assert.equal(text.length, 1);
  });

  it('puts a child’s fields on each of its lines', () => {
    const { logger, last } = recordingLogger();
    logger.child({ executor: 'encoder' }).child({ replica: 2 }).warn({ pages: 3 }, 'slow');
    const { executor, replica, pages } = last();
    assert.deepEqual([executor, replica, pages], ['encoder', 2, 3]);
  });

  it('writes a trace context as trace_id and span_id', () => {
    const { logger, last } = recordingLogger();
    logger.info({ trace: { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), isSampled: true } }, 'answered');
    assert.deepEqual(
      [last()['trace_id'], last()['span_id'], last()['trace']],
      ['c'.repeat(32), 'd'.repeat(16), undefined],
    );
  });

  it('serves as the logger of an executor', () => {
    const { logger, last } = recordingLogger();
    const forExecutor: ExecutorLogger = logger;
    forExecutor.info({ rows: 3 }, 'indexed');
    assert.equal(last()['rows'], 3);
  });

  it('writes to a stream', async () => {
    const stream = new PassThrough();
    createLogger({ name: 'gateway', level: 'info', destination: stream }).info({}, 'hello');
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    assert.equal((JSON.parse(chunk.toString()) as Line)['msg'], 'hello');
  });

  it('loses nothing on stdout when the process ends at once', () => {
    const code = `import { createLogger } from './observability/log.ts';
      createLogger({ name: 'gateway', level: 'info' }).error({}, 'last words');
      process.exit(1);`;
    const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      encoding: 'utf8',
    });
    assert.equal((JSON.parse(stdout) as Line)['msg'], 'last words');
  });
});

describe('an error in the log', () => {
  it('has its root cause first, then the chain from there outwards', () => {
    const { logger, last } = recordingLogger();
    logger.error({ error: failedStart() }, 'start failed');
    const error = last()['error'] as { root_cause: string; chain: Line[] };
    assert.deepEqual(Object.keys(error), ['root_cause', 'chain']);
    assert.equal(error.root_cause, 'TypeError: weights are not a file');
    assert.deepEqual(
      error.chain.map((link) => link['reason'] ?? link['name']),
      ['TypeError', 'model_unavailable', 'executor_load_failed'],
    );
    assert.ok(error.chain.every((link) => String(link['stack']).includes('log.test.ts')));
  });

  it('has no secrets in its details', () => {
    const { logger, text } = recordingLogger();
    logger.error({ error: failedStart() }, 'start failed');
    assert.ok(!text.join('').includes('s3cret'));
  });

  it('may be anything that was thrown', () => {
    const { logger, last } = recordingLogger();
    logger.error({ error: 'just text' }, 'failed');
    assert.equal((last()['error'] as Line)['root_cause'], 'just text');
  });

  it('may be its own cause', () => {
    const { logger, text } = recordingLogger();
    const error = new Error('round');
    error.cause = error;
    logger.error({ error }, 'failed');
    assert.equal(text.length, 1);
  });
});

describe('redaction', () => {
  const secret = 's3cret';
  const cases: Line[] = [
    { authorization: secret },
    { headers: { Authorization: secret, 'x-api-key': secret, cookie: secret } },
    { env: { HF_TOKEN: secret, DB_PASSWORD: secret, clientSecret: secret } },
    { a: { b: { c: { api_key: secret } } } },
    { list: [{ token: secret }] },
    { a: { b: { c: { d: { e: { f: { g: secret } } } } } } },
  ];
  for (const fields of cases) {
    it(`hides the secret in ${JSON.stringify(fields)}`, () => {
      const { logger, text } = recordingLogger();
      logger.info(fields, 'configured');
      logger.child(fields).info({}, 'configured');
      assert.equal(text.length, 2);
      assert.ok(!text.join('').includes(secret));
    });
  }

  it('hides credentials in URLs, in fields, messages and errors', () => {
    const { logger, text } = recordingLogger();
    const url = 'https://me:s3cret@hub.example/model';
    logger.error({ url, error: new Error(`cannot fetch ${url}`) }, `cannot fetch ${url}`);
    assert.ok(!text.join('').includes('s3cret'));
    assert.ok(text.join('').includes('https://[redacted]@hub.example/model'));
  });

  it('leaves alone what only looks like a secret', () => {
    const { logger, last } = recordingLogger();
    logger.info({ tokens: 128, max_tokens: 512, tokenizer: 'bert' }, 'encoded');
    const { tokens, max_tokens, tokenizer } = last();
    assert.deepEqual([tokens, max_tokens, tokenizer], [128, 512, 'bert']);
  });

  it('writes binary data as its size', () => {
    const { logger, last } = recordingLogger();
    logger.info({ blob: new Uint8Array(3) }, 'read');
    assert.equal(last()['blob'], '[3 bytes]');
  });
});

describe('pretty lines', () => {
  it('are made for people', () => {
    const { logger, text } = recordingLogger({ form: 'pretty' });
    logger.info({ replica: 1, device: 'cpu' }, 'model loaded');
    assert.match(text[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} INFO {2}gateway: model loaded replica=1 device=cpu\n$/);
  });

  it('show the root cause of an error and where it was thrown, then what it led to', () => {
    const { logger, text } = recordingLogger({ form: 'pretty' });
    logger.error({ error: failedStart() }, 'start failed');
    const lines = (text[0] ?? '').split('\n').map((line) => line.trim());
    assert.match(lines[1] ?? '', /^TypeError: weights are not a file$/);
    assert.match(lines[2] ?? '', /^at failedStart/);
    assert.deepEqual(lines.slice(-3), [
      'then FlowError: cannot read the model',
      'then FlowError: encoder could not start',
      '',
    ]);
  });

  it('are coloured only where asked for', () => {
    const { logger, text } = recordingLogger({ form: 'pretty', hasColour: true });
    logger.warn({}, 'slow');
    assert.ok(text[0]?.includes('\u001b[33m'));
  });
});
