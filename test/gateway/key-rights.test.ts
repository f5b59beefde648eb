import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { openKeyDesk } from '../support/key-desk.ts';

const gateway = await startGateway();
const { shop, statusOf } = openKeyDesk(gateway);
const { send } = gateway;
afterAll(gateway.close);

test('a member of another tenant cannot list, rotate or revoke a key, or learn of it', async () => {
  const owner = await shop();
  const stranger = await shop();
  const { apiKey, key } = await owner.create();
  const before = await owner.rows('api_keys');
  const withoutId = ({ status, body }: Awaited<ReturnType<typeof stranger.revoke>>, id: string) => {
    const { requestId, ...rest } = body;
    expect(requestId).toBeTruthy();
    return JSON.stringify({ status, rest }).replaceAll(id, '<id>');
  };
  const nobodys = randomUUID();

  const rotations = [apiKey.id, nobodys].map(async (id) =>
    withoutId(await stranger.post(`/admin/keys/${id}/rotate`, { overlapMinutes: 0 }), id),
  );
  const revocations = [apiKey.id, nobodys].map(async (id) =>
    withoutId(await stranger.revoke(id), id),
  );

  const answers = await Promise.all([...rotations, ...revocations]);
  expect(new Set(answers).size).toBe(1);
  expect(answers[0]).toContain('key-not-found');
  expect((await stranger.list()).keys.map(({ id }) => id)).not.toContain(apiKey.id);
  expect(await owner.rows('api_keys')).toEqual(before);
  expect(await statusOf(key)).toBe(200);
});

test.each([
  ['owner', 200, 201],
  ['admin', 200, 201],
  ['finance', 403, 403],
  ['viewer', 403, 403],
] as const)(
  'a member who is %s gets %i for the list and %i for a new key',
  async (role, read, write) => {
    const { post, member: signIn } = await shop();
    const member = await signIn(role);

    expect((await send('/admin/keys', { headers: member })).status).toBe(read);
    expect((await post('/admin/keys', { kind: 'secret', name: 'A' }, member)).status).toBe(write);
  },
);

test('whoever has not confirmed the password makes, rotates and revokes no key', async () => {
  const { create, post, list, member } = await shop();
  const { apiKey } = await create();
  const stale = await member('owner', false);

  const answers = [
    await post('/admin/keys', { kind: 'secret', name: 'A' }, stale),
    await post(`/admin/keys/${apiKey.id}/rotate`, { overlapMinutes: 0 }, stale),
    await send(`/admin/keys/${apiKey.id}`, { method: 'DELETE', headers: stale }),
  ];

  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 403, body: { code: 'confirmation-required' } });
  }
  expect((await list()).keys.filter(({ status }) => status === 'active')).toHaveLength(2);
});

test('no key handles keys, not even with the scopes written into its row', async () => {
  const { id, secretKey, create } = await shop();
  const { apiKey } = await create();
  await gateway.admin.query(
    `update api_keys set scopes = '{keys:read,keys:write}' where tenant_id = $1 and id <> $2`,
    [id, apiKey.id],
  );
  const headers = { Authorization: `Bearer ${secretKey}`, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ kind: 'secret', name: 'A' });

  const answers = [
    await send('/admin/keys', { headers }),
    await send('/admin/keys', { method: 'POST', headers, body }),
    await send(`/admin/keys/${apiKey.id}`, { method: 'DELETE', headers }),
  ];

  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  }
});
