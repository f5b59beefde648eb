import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { keyScopes, publishableScopes } from '../../src/domain/access.ts';
import { maxActiveKeys } from '../../src/domain/api-keys.ts';
import { ApiKeyId, TenantId } from '../../src/domain/ids.ts';
import { startGateway } from '../support/gateway.ts';
import { openKeyDesk } from '../support/key-desk.ts';

const gateway = await startGateway();
const { shop, statusOf } = openKeyDesk(gateway);
const { send } = gateway;
afterAll(gateway.close);

test('a new key is shown once, works at once, and is nowhere in the database', async () => {
  const { create, list, id, email } = await shop();

  const { apiKey, key } = await create({ name: ' Till ' });

  expect(key).toMatch(/^sk_test_[0-9a-f]{64}$/);
  expect(apiKey).toMatchObject({
    kind: 'secret',
    name: 'Till',
    prefix: key?.slice(0, 12),
    scopes: keyScopes,
    status: 'active',
    createdBy: email,
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
  const { create, rotate, revoke, audits, email } = await shop();
  const old = await create({ name: 'Till' });
  const next = await rotate(old.apiKey.id, 5);
  await revoke(next.apiKey.id);

  const entries = await audits();

  expect(entries).toMatchObject([
    { action: 'key.created', subject_id: old.apiKey.id, actor_label: email },
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
