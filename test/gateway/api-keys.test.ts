import { createHash, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { keyScopes, publishableScopes } from '../../src/domain/access.ts';
import { Secret } from '../../src/domain/secret.ts';
import { wire } from '../../src/wire.ts';
import { eventually } from '../support/eventually.ts';
import { anOrder, startGateway } from '../support/gateway.ts';

const gateway = await startGateway();
const { send } = gateway;
afterAll(gateway.close);

const asking = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });

/** Adds a key as an operator would, by an insert. */
async function addKey(
  tenantId: string,
  columns: Record<string, unknown> = {},
  form = 'sk_test_',
): Promise<string> {
  const key = `${form}${randomBytes(32).toString('hex')}`;
  const hash = createHash('sha256').update(key).digest();
  const row = { tenant_id: tenantId, prefix: key.slice(0, 12), key_hash: hash, ...columns };
  const names = Object.keys(row);
  await gateway.admin.query(
    `insert into api_keys (${names.join(', ')})
     values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
  return key;
}

const addPublishable = (tenantId: string, columns: Record<string, unknown> = {}) =>
  addKey(tenantId, { kind: 'publishable', ...columns }, 'pk_test_');

const unknownKey = () => `sk_test_${randomBytes(32).toString('hex')}`;

test('a plain insert of tenant, prefix and hash is a secret key with all that a key may have', async () => {
  const { id } = await gateway.merchant();
  const key = await addKey(id);

  const { caller } = await gateway.services.apiKeys.authenticate(new Secret(key));

  expect(caller).toMatchObject({ tenantId: id, type: 'secret', scopes: keyScopes });
});

test('a revoked key is nobody’s from the next request on', async () => {
  const { id, secretKey, stats } = await gateway.merchant();
  expect((await stats()).status).toBe(200);

  await gateway.admin.query('update api_keys set revoked_at = now() where tenant_id = $1', [id]);

  expect(await send('/admin/stats', asking(secretKey))).toMatchObject({
    status: 401,
    body: { code: 'key-invalid' },
  });
});

test('an expired key is nobody’s from the next request on', async () => {
  const { id } = await gateway.merchant();
  const key = await addKey(id, { expires_at: new Date(Date.now() + 3_600_000) });
  expect((await send('/admin/stats', asking(key))).status).toBe(200);

  await gateway.admin.query(
    'update api_keys set expires_at = now() where tenant_id = $1 and expires_at is not null',
    [id],
  );

  expect(await send('/admin/stats', asking(key))).toMatchObject({
    status: 401,
    body: { code: 'key-invalid' },
  });
});

test('what one process revoked, another one refuses at its next request', async () => {
  const { id, secretKey } = await gateway.merchant();
  const log = pino({ level: 'silent' });
  const other = await wire({ config: gateway.config, log, version: 'another-process' });
  const ask = () => other.services.apiKeys.authenticate(new Secret(secretKey));
  expect((await ask()).tenant).toMatchObject({ id });

  await gateway.admin.query('update api_keys set revoked_at = now() where tenant_id = $1', [id]);

  await expect(ask()).rejects.toMatchObject({ code: 'key-invalid' });
  await other.close();
});

test('whatever is wrong with a key, the answer is the same to the letter', async () => {
  const { id } = await gateway.merchant();
  const live = await gateway.merchant({ midtrans_environment: 'production' });
  const wrong = {
    unknown: unknownKey(),
    revoked: await addKey(id, { revoked_at: new Date() }),
    expired: await addKey(id, { expires_at: new Date(Date.now() - 1_000) }),
    'a live key of a tenant in the sandbox': await addKey(id, {}, 'sk_live_'),
    'a test key of a tenant with real money': await addKey(live.id),
    'publishable by its name, secret by its row': await addKey(id, {}, 'pk_test_'),
    'secret by its name, publishable by its row': await addKey(id, { kind: 'publishable' }),
    'of no form': `sk_${randomBytes(32).toString('hex')}`,
    'too short': 'sk_test_012',
    'too long': `sk_test_${'a'.repeat(201)}`,
    damaged: `${await addKey(id)}!`,
    'in another case': (await addKey(id)).replace('sk_test', 'SK_TEST'),
  };
  const answers: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(wrong)) {
    const { status, headers, body } = await send('/admin/stats', asking(key));
    const { requestId, ...rest } = body;
    expect(requestId, name).toBeTruthy();
    answers[name] = { status, challenge: headers.get('WWW-Authenticate'), rest };
  }

  expect(answers.unknown).toMatchObject({ status: 401, rest: { code: 'key-invalid' } });
  for (const [name, answer] of Object.entries(answers)) {
    expect(answer, name).toEqual(answers.unknown);
  }
});

test('a live key is good where there is real money', async () => {
  const live = await gateway.merchant({ midtrans_environment: 'production' });

  expect(live.secretKey).toMatch(/^sk_live_/);
  expect((await live.stats()).status).toBe(200);
});

test('where a secret key is needed, naming the tenant is not enough', async () => {
  const { slug } = await gateway.merchant();

  expect(await send(`/admin/stats?tenant=${slug}`)).toMatchObject({
    status: 401,
    body: { code: 'credentials-required' },
  });
});

test('a publishable key starts payments and looks at orders, and opens nothing of the merchant’s', async () => {
  const { id } = await gateway.merchant();
  const key = await addPublishable(id);
  const order = anOrder();

  const created = await send('/payment/create', {
    method: 'POST',
    headers: { ...asking(key).headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(order),
  });

  expect(created.status).toBe(200);
  expect((await send(`/orders/${order.orderId}/status`, asking(key))).status).toBe(200);
  expect(await send('/admin/stats', asking(key))).toMatchObject({
    status: 401,
    body: { code: 'credentials-required' },
  });
});

test('a key does what its scopes say, and no more', async () => {
  const { id } = await gateway.merchant();
  const key = await addKey(id, { scopes: ['reports:read'] });

  expect((await send('/admin/stats', asking(key))).status).toBe(200);
  expect(await send('/admin/customers', asking(key))).toMatchObject({
    status: 403,
    body: { code: 'not-allowed' },
  });
  // Not for the whole world either, once a key is sent.
  expect(await send('/orders/ANY/status', asking(key))).toMatchObject({
    status: 403,
    body: { code: 'not-allowed' },
  });
});

test('scopes that its kind cannot have give a key nothing, also when somebody put them in by SQL', async () => {
  const { id } = await gateway.merchant();
  const secret = await addKey(id, { scopes: ['keys:write', 'team:write', 'no:such'] });
  const publishable = await addPublishable(id, { scopes: ['orders:status', 'reports:read'] });
  const { apiKeys } = gateway.services;

  expect((await apiKeys.authenticate(new Secret(secret))).caller.scopes).toEqual([]);
  expect((await apiKeys.authenticate(new Secret(publishable))).caller.scopes).toEqual([
    'orders:status',
  ]);
  expect(publishableScopes).toContain('orders:status');
});

test('a use of a key is noted, and at most once a minute', async () => {
  const { id, stats } = await gateway.merchant();
  const lastUse = async () => {
    const { rows } = await gateway.admin.query<{ last_used_at: Date | null }>(
      'select last_used_at from api_keys where tenant_id = $1',
      [id],
    );
    return rows[0]?.last_used_at;
  };
  const setLastUse = (ago: string) =>
    gateway.admin.query(
      `update api_keys set last_used_at = now() - $2::interval where tenant_id = $1`,
      [id, ago],
    );
  expect(await lastUse()).toBeNull();

  await stats();
  await expect.poll(lastUse).not.toBeNull();

  await setLastUse('61 seconds');
  const before = await lastUse();
  await stats();
  await expect.poll(lastUse).not.toEqual(before);

  await setLastUse('50 seconds');
  const recent = await lastUse();
  const other = await gateway.merchant();
  await stats();
  // Uses are noted one after the other: once this one is, that of the first would have been.
  await other.stats();
  await expect
    .poll(async () => (await other.rows<{ last_used_at: Date }>('api_keys'))[0]?.last_used_at)
    .not.toBeNull();
  expect(await lastUse()).toEqual(recent);
});

test('a use that cannot be noted neither fails nor holds up the request', async () => {
  const { id, stats } = await gateway.merchant();
  const holder = await gateway.admin.connect();
  await holder.query('begin');
  await holder.query('select 1 from api_keys where tenant_id = $1 for update', [id]);

  const [first, second] = [await stats(), await stats()];

  expect([first.status, second.status]).toEqual([200, 200]);
  await eventually(async () => {
    const { rowCount } = await gateway.admin.query(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'update api_keys%'`,
    );
    // One waits; the second request has not sent another one after it.
    expect(rowCount).toBe(1);
  });
  await holder.query('rollback');
  holder.release();
});
