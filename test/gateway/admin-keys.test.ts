import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import type { ApiKeyView, NewApiKeyReply } from '../../src/contracts/api-keys.ts';
import { keyScopes, publishableScopes, type TenantRole } from '../../src/domain/access.ts';
import { maxActiveKeys } from '../../src/domain/api-keys.ts';
import { ApiKeyId, TenantId } from '../../src/domain/ids.ts';
import { startGateway } from '../support/gateway.ts';
import { createPeople } from '../support/people.ts';

const people = createPeople();
const gateway = await startGateway({}, people.dress);
const { send } = gateway;
afterAll(gateway.close);

type Headers = Record<string, string>;

/** A merchant, and what a member of it does with its keys. */
async function shop(columns: Record<string, unknown> = {}) {
  const merchant = await gateway.merchant(columns);
  const owner = people.signIn({ tenantId: merchant.id, role: 'owner' });
  const post = (path: string, body: unknown, headers: Headers = {}) =>
    send(path, {
      method: 'POST',
      headers: { ...owner, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const asNew = ({ status, body }: { status: number; body: unknown }) => {
    expect(status).toBe(201);
    return body as NewApiKeyReply;
  };
  return {
    ...merchant,
    owner,
    post,
    create: async (body: object = {}) =>
      asNew(await post('/admin/keys', { kind: 'secret', name: 'Shop', ...body })),
    rotate: async (id: string, overlapMinutes: number) =>
      asNew(await post(`/admin/keys/${id}/rotate`, { overlapMinutes })),
    revoke: (id: string) => send(`/admin/keys/${id}`, { method: 'DELETE', headers: owner }),
    list: async (query = '') => {
      const { body } = await send(`/admin/keys${query}`, { headers: owner });
      return body as unknown as { keys: ApiKeyView[]; next: string | null };
    },
    audits: async () => {
      const { rows } = await gateway.admin.query<Record<string, string>>(
        `select action, actor_label, subject_id, before, after from audit_entries
          where tenant_id = $1 order by seq`,
        [merchant.id],
      );
      return rows;
    },
  };
}

const statusOf = async (key: string | null) =>
  (await send('/admin/stats', { headers: { Authorization: `Bearer ${key}` } })).status;

test('a new key is shown once, works at once, and is nowhere in the database', async () => {
  const { create, list, id } = await shop();

  const { apiKey, key } = await create({ name: ' Till ' });

  expect(key).toMatch(/^sk_test_[0-9a-f]{64}$/);
  expect(apiKey).toMatchObject({
    kind: 'secret',
    name: 'Till',
    prefix: key?.slice(0, 12),
    scopes: keyScopes,
    status: 'active',
    createdBy: 'owner@shop.example',
    expiresAt: null,
    revokedAt: null,
  });
  expect(await statusOf(key)).toBe(200);
  const [listed] = (await list()).keys;
  expect(listed).toMatchObject({ id: apiKey.id, name: 'Till' });
  const { rows } = await gateway.admin.query(
    `select k::text, a::text from api_keys k left join audit_entries a using (tenant_id)
      where tenant_id = $1`,
    [id],
  );
  expect(JSON.stringify([listed, rows])).not.toContain(key?.slice(12));
  expect(gateway.logLines.join('')).not.toContain(key?.slice(12));
});

test.each([
  ['secret', 'sandbox', /^sk_test_/],
  ['secret', 'production', /^sk_live_/],
  ['publishable', 'sandbox', /^pk_test_/],
  ['publishable', 'production', /^pk_live_/],
])('a %s key of a tenant in the %s says so', async (kind, environment, form) => {
  const { create } = await shop({ midtrans_environment: environment });

  const { key, apiKey } = await create({ kind });

  expect(key).toMatch(form);
  expect(apiKey.scopes).toEqual(kind === 'secret' ? keyScopes : publishableScopes);
  const asked = await send('/orders/NONE/status', { headers: { Authorization: `Bearer ${key}` } });
  expect(asked).toMatchObject({ status: 404, body: { code: 'order-not-found' } });
});

test('a key may be limited in what it does and how long it lives', async () => {
  const { create } = await shop();
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();

  const { key, apiKey } = await create({ scopes: ['customers:read'], expiresAt });

  expect(apiKey).toMatchObject({ scopes: ['customers:read'], expiresAt });
  expect(await statusOf(key)).toBe(403);
});

test.each([
  ['kind', { kind: 'root' }],
  ['name', { name: '  ' }],
  ['name', { name: 'x'.repeat(101) }],
  ['name', { name: 'a\u0007b' }],
  ['name', { name: 'a\u202eb' }],
  ['scopes', { scopes: [] }],
  ['scopes.0', { scopes: ['keys:write'] }],
  ['scopes.1', { scopes: ['orders:read', 'secrets:write'] }],
  ['scopes.0', { kind: 'publishable', scopes: ['orders:read'] }],
  ['scopes.0', { scopes: ['*'] }],
  ['expiresAt', { expiresAt: new Date(Date.now() - 1_000).toISOString() }],
  ['expiresAt', { expiresAt: 'tomorrow' }],
  ['body', { tenantId: randomUUID() }],
  ['body', { id: randomUUID() }],
])('a key with a wrong %s is not made: %j', async (field, body) => {
  const { post, list } = await shop();

  const answer = await post('/admin/keys', { kind: 'secret', name: 'Shop', ...body });

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(answer.body.errors?.map((error) => error.field)).toContain(field);
  expect((await list()).keys).toHaveLength(1);
});

test('the keys are listed newest first, in pages', async () => {
  const { create, list } = await shop();
  const made: string[] = [];
  for (const name of ['first', 'second', 'third']) made.unshift((await create({ name })).apiKey.id);

  const first = await list('?limit=2');
  const second = await list(`?limit=2&cursor=${first.next}`);

  expect(first.keys.map(({ id }) => id)).toEqual(made.slice(0, 2));
  // The oldest is the one by which every merchant of these tests begins.
  expect(second.keys.map(({ id }) => id).slice(0, 1)).toEqual(made.slice(2));
  expect(second.keys).toHaveLength(2);
  expect(second.next).toBeNull();
});

test('a revoked key is nobody’s from the next request on, and stays revoked', async () => {
  const { create, revoke, list, audits } = await shop();
  const { key, apiKey } = await create();
  expect(await statusOf(key)).toBe(200);

  const first = await revoke(apiKey.id);
  const again = await revoke(apiKey.id);

  expect(await statusOf(key)).toBe(401);
  expect(first).toMatchObject({ status: 200, body: { apiKey: { status: 'revoked' } } });
  expect(again.body).toEqual(first.body);
  expect((await list()).keys.find(({ id }) => id === apiKey.id)?.status).toBe('revoked');
  expect((await audits()).map(({ action }) => action)).toEqual(['key.created', 'key.revoked']);
});

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

test('a tenant has so many active keys and no more, also when all are asked for at once', async () => {
  const { create, rotate, revoke, post, list } = await shop();
  const { apiKey } = await create();
  const ask = () => post('/admin/keys', { kind: 'secret', name: 'One of many' });

  const answers = await Promise.all(Array.from({ length: maxActiveKeys + 4 }, ask));

  const refused = answers.filter(({ status }) => status !== 201);
  // One is every merchant's of these tests, one was made above.
  expect(refused).toHaveLength(6);
  for (const answer of refused) {
    expect(answer).toMatchObject({ status: 409, body: { code: 'too-many-keys' } });
  }
  const rotation = `/admin/keys/${apiKey.id}/rotate`;
  expect(await post(rotation, { overlapMinutes: 1 })).toMatchObject({
    status: 409,
    body: { code: 'too-many-keys' },
  });

  const next = await rotate(apiKey.id, 0);
  expect((await ask()).status).toBe(409);
  await revoke(next.apiKey.id);
  expect((await ask()).status).toBe(201);
  const { keys } = await list('?limit=100');
  expect(keys.filter(({ status }) => status === 'active')).toHaveLength(maxActiveKeys);
});

test.each([
  ['made', '/admin/keys', { kind: 'secret', name: 'Till' }],
  ['rotated', undefined, { overlapMinutes: 60 }],
])(
  'under one Idempotency-Key a key is %s once, and its secret is not kept',
  async (_, path, body) => {
    const { create, post, list, rows } = await shop();
    const target = path ?? `/admin/keys/${(await create()).apiKey.id}/rotate`;
    const before = (await list()).keys.length;
    const headers = { 'Idempotency-Key': randomUUID() };

    const first = await post(target, body, headers);
    const again = await post(target, body, headers);

    const key = String(first.body.key);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(await statusOf(key)).toBe(200);
    expect(first.headers.get('Idempotent-Replayed')).toBeNull();
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect(again.body).toEqual({ ...first.body, key: null });
    expect((await list()).keys).toHaveLength(before + 1);
    expect(JSON.stringify(await rows('idempotency_keys'))).not.toContain(key.slice(12));
  },
);

test('what died before its answer was stored is found again, without the secret', async () => {
  const { id: tenant } = await shop();
  const tenantId = TenantId.parse(tenant);
  const id = ApiKeyId.parse(randomUUID());
  const actor = { kind: 'user', id: undefined, label: 'owner@shop.example' } as const;
  const origin = { actor, requestId: 'request-1', address: undefined };
  const request = { kind: 'secret', name: 'Till' } as const;
  const { issuedKeys } = gateway.services;
  const made = await issuedKeys.create(tenantId, { id, request, origin });

  const again = await issuedKeys.create(tenantId, { id, request, origin });

  expect(again).toEqual({ ...made, key: null });
  const next = ApiKeyId.parse(randomUUID());
  const rotation = { id: next, keyId: id, overlapMinutes: 0, origin };
  const rotated = await issuedKeys.rotate(tenantId, rotation);
  expect(await issuedKeys.rotate(tenantId, rotation)).toEqual({ ...rotated, key: null });
});

test('who made, rotated and revoked a key is written down, without the key', async () => {
  const { create, rotate, revoke, audits } = await shop();
  const old = await create({ name: 'Till' });
  const next = await rotate(old.apiKey.id, 5);
  await revoke(next.apiKey.id);

  const entries = await audits();

  expect(entries).toMatchObject([
    { action: 'key.created', subject_id: old.apiKey.id, actor_label: 'owner@shop.example' },
    { action: 'key.rotated', subject_id: old.apiKey.id },
    { action: 'key.revoked', subject_id: next.apiKey.id },
  ]);
  expect(JSON.parse(entries[0]?.after ?? '')).toMatchObject({ name: 'Till', kind: 'secret' });
  expect(JSON.parse(entries[1]?.after ?? '')).toMatchObject({
    replacedBy: next.apiKey.id,
    overlapMinutes: 5,
  });
  for (const { key } of [old, next]) {
    expect(JSON.stringify(entries)).not.toContain(key?.slice(12));
  }
});

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
    const { id, post } = await shop();
    const member = people.signIn({ tenantId: id, role: role satisfies TenantRole });

    expect((await send('/admin/keys', { headers: member })).status).toBe(read);
    expect((await post('/admin/keys', { kind: 'secret', name: 'A' }, member)).status).toBe(write);
  },
);

test('whoever has not confirmed the password makes, rotates and revokes no key', async () => {
  const { id, create, post, list } = await shop();
  const { apiKey } = await create();
  const stale = people.signIn({ tenantId: id, role: 'owner', isFresh: false });

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
