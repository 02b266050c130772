import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { LoadConnection } from '../../../bench/load-connection.ts';
import { markPlaceholder } from '../../../bench/request-body.ts';

type Told = readonly [what: 'answered' | 'wrong' | 'failed', text: string];

/** The first three things that one connection tells about a server that answers so (undefined: it breaks the connection), and what its requests were. */
async function firstTold(answerTo: (body: string) => string | undefined) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      bodies.push(body);
      const answer = answerTo(body);
      if (answer === undefined) request.socket.destroy();
      else response.end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  const target = {
    url: new URL(`http://127.0.0.1:${address.port}/post`),
    bodies: [`{"text":"${markPlaceholder}"}`],
    rules: { contains: [Buffer.from('"text"')], excludes: [Buffer.from('"exception"')] },
  };
  const told = await new Promise<Told[]>((resolve) => {
    const all: Told[] = [];
    const tell = (...entry: Told): void => {
      all.push(entry);
      if (all.length === 3) resolve(all);
    };
    const connection = new LoadConnection(
      target,
      {
        answered: () => tell('answered', ''),
        wrong: (why) => tell('wrong', why),
        failed: (error) => tell('failed', error.reason),
      },
      0,
      1,
    );
    connection.start();
    void once(server, 'close').then(() => connection.finish(0));
  });
  server.close();
  server.closeAllConnections();
  return { told, bodies };
}

describe('connection of the load generator', () => {
  it('sends one request after another, each with a mark of its own', async () => {
    const { told, bodies } = await firstTold((body) => body);
    assert.deepEqual(
      told.map(([what]) => what),
      ['answered', 'answered', 'answered'],
    );
    assert.equal(new Set(bodies.slice(0, 3)).size, 3);
  });

  it('counts the answer to another request as wrong', async () => {
    let before = '{"text":""}';
    const { told } = await firstTold((body) => {
      const answer = before;
      before = body;
      return answer;
    });
    assert.ok(told.every(([what, why]) => what === 'wrong' && why.startsWith('without the mark')));
  });

  it('counts an answer against the rules as wrong', async () => {
    const { told } = await firstTold((body) => `${body}{"exception":1}`);
    assert.ok(told.every(([what, why]) => what === 'wrong' && why.startsWith('with "exception"')));
  });

  it('counts a connection that breaks instead of an answer as failed, and connects again', async () => {
    let requests = 0;
    const { told } = await firstTold((body) => (++requests === 1 ? undefined : body));
    assert.deepEqual(
      told.map(([what]) => what),
      ['failed', 'answered', 'answered'],
    );
  });
});
