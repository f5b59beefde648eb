import { expect, test } from 'vitest';
import { serve } from '../../test/support/serve.ts';
import { requestIdOf } from './request-id.ts';

const ownId = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('every request has an id of its own, in the answer too', async () => {
  const ask = await serve([(_req, res) => void res.json({ id: requestIdOf(res) })]);

  const first = await ask({});
  const second = await ask({});

  expect(first.body.id).toMatch(ownId);
  expect(first.headers['x-request-id']).toBe(first.body.id);
  expect(second.body.id).not.toBe(first.body.id);
});

test.each(['abcdefgh', 'A-b_c.1234', 'x'.repeat(64)])(
  'a trusted proxy may name a request "%s"',
  async (id) => {
    const ask = await serve([(_req, res) => void res.json({ id: requestIdOf(res) })]);

    const answer = await ask({ headers: ['X-Request-Id', id] });

    expect(answer.body.id).toBe(id);
    expect(answer.headers['x-request-id']).toBe(id);
  },
);

test.each([
  ['short', ['X-Request-Id', 'abcdefg']],
  ['long', ['X-Request-Id', 'x'.repeat(65)]],
  ['odd', ['X-Request-Id', 'abcdefgh i']],
  ['quoted', ['X-Request-Id', '"abcdefgh"']],
  ['double', ['X-Request-Id', 'abcdefgh', 'X-Request-Id', 'abcdefgi']],
  ['empty', ['X-Request-Id', '']],
])('a %s id is replaced', async (_, headers) => {
  const ask = await serve([(_req, res) => void res.json({ id: requestIdOf(res) })]);

  expect((await ask({ headers })).body.id).toMatch(ownId);
});

test('a client may not choose the id', async () => {
  const ask = await serve([(_req, res) => void res.json({ id: requestIdOf(res) })], {
    trusted: ['10.0.0.0/8'],
  });

  expect((await ask({ headers: ['X-Request-Id', 'abcdefgh'] })).body.id).toMatch(ownId);
});
