import { afterAll, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { openKeyDesk } from '../support/key-desk.ts';

const gateway = await startGateway();
const { shop, statusOf } = openKeyDesk(gateway);
afterAll(gateway.close);

test('after a rotation both keys work for as long as was said', async () => {
  const { create, rotate, list, id } = await shop();
  const old = await create({ name: 'Till', scopes: ['reports:read'] });

  const { key, apiKey } = await rotate(old.apiKey.id, 10_080);

  expect(apiKey).toMatchObject({
    name: 'Till',
    kind: 'secret',
    scopes: ['reports:read'],
    rotatedFrom: old.apiKey.id,
    expiresAt: null,
  });
  expect(key).not.toBe(old.key);
  expect([await statusOf(old.key), await statusOf(key)]).toEqual([200, 200]);
  const listed = (await list()).keys.find((each) => each.id === old.apiKey.id);
  expect(listed).toMatchObject({ status: 'active', replacedBy: apiKey.id });
  const left = Date.parse(listed?.expiresAt ?? '') - Date.now();
  expect(left).toBeGreaterThan(10_079 * 60_000);
  expect(left).toBeLessThanOrEqual(10_080 * 60_000);

  await gateway.admin.query(
    `update api_keys set expires_at = expires_at - interval '10080 minutes'
      where tenant_id = $1 and expires_at is not null`,
    [id],
  );
  expect([await statusOf(old.key), await statusOf(key)]).toEqual([401, 200]);
});

test('after a rotation without overlap only the new key works', async () => {
  const { create, rotate, list } = await shop();
  const old = await create();

  const { key } = await rotate(old.apiKey.id, 0);

  expect([await statusOf(old.key), await statusOf(key)]).toEqual([401, 200]);
  expect((await list()).keys.find(({ id }) => id === old.apiKey.id)?.status).toBe('expired');
});

test('a rotation never makes a key live longer, and its successor lives as long as it was made for', async () => {
  const { create, rotate, list } = await shop();
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const old = await create({ expiresAt });

  const { apiKey } = await rotate(old.apiKey.id, 10_080);

  expect((await list()).keys.find(({ id }) => id === old.apiKey.id)?.expiresAt).toBe(expiresAt);
  const hours = (Date.parse(apiKey.expiresAt ?? '') - Date.now()) / 3_600_000;
  expect(hours).toBeGreaterThan(0.9);
  expect(hours).toBeLessThan(1.1);
});

test('a key is rotated once; its successor is rotated next', async () => {
  const { create, rotate, post } = await shop();
  const old = await create();
  const { apiKey } = await rotate(old.apiKey.id, 60);

  const again = await post(`/admin/keys/${old.apiKey.id}/rotate`, { overlapMinutes: 60 });

  expect(again).toMatchObject({ status: 409, body: { code: 'key-already-rotated' } });
  expect(again.body.detail).toContain(apiKey.id);
  expect((await rotate(apiKey.id, 60)).apiKey.rotatedFrom).toBe(apiKey.id);
});

test('of two rotations at once one makes a key', async () => {
  const { create, post, list } = await shop();
  const { apiKey } = await create();
  const path = `/admin/keys/${apiKey.id}/rotate`;

  const answers = await Promise.all([1, 2, 3].map(() => post(path, { overlapMinutes: 5 })));

  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  expect((await list()).keys.filter(({ rotatedFrom }) => rotatedFrom === apiKey.id)).toHaveLength(
    1,
  );
});

test.each(['revoked', 'expired'])('a key that is %s is not rotated', async (ending) => {
  const { create, post, id } = await shop();
  const { apiKey } = await create();
  const column = ending === 'revoked' ? 'revoked_at' : 'expires_at';
  await gateway.admin.query(
    `update api_keys set ${column} = now() where tenant_id = $1 and id = $2`,
    [id, apiKey.id],
  );

  const answer = await post(`/admin/keys/${apiKey.id}/rotate`, { overlapMinutes: 5 });

  expect(answer).toMatchObject({ status: 409, body: { code: 'key-not-active' } });
});

test.each([-1, 10_081, 1.5, '60', null])('an overlap of %j is refused', async (overlapMinutes) => {
  const { create, post } = await shop();
  const { apiKey } = await create();

  const answer = await post(`/admin/keys/${apiKey.id}/rotate`, { overlapMinutes });

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
});
