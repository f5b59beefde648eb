import { inspect } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { Caller } from '../../src/domain/caller.ts';
import { SessionId, UserId } from '../../src/domain/ids.ts';
import { adminMidtransAccountRoutes } from '../../src/routes/admin-midtrans-account.ts';
import { anOrder, type Merchant, startGateway } from '../support/gateway.ts';
import { serve } from '../support/serve.ts';

const gateway = await startGateway();
afterAll(gateway.close);

const path = '/admin/settings/midtrans';
const newKey = 'SB-Mid-server-hunter2hunter2';
const account = { serverKey: newKey, environment: 'sandbox' };
const owner: Caller = {
  kind: 'user',
  userId: UserId.parse('0192a000-0000-7000-8000-000000000001'),
  email: 'owner@shop.example',
  sessionId: SessionId.parse('0192a000-0000-7000-8000-000000000002'),
  activeTenantId: undefined,
  isFresh: true,
  hasSecondFactor: false,
  owesSecondFactor: false,
  platformRole: undefined,
  tenantRole: 'owner',
};

/** The route as a caller reaches it who was found by whatever finds callers. */
async function doorOf(merchant: Merchant, caller: Partial<Extract<Caller, { kind: 'user' }>> = {}) {
  const ask = await serve([
    async (_req, res, next) => {
      res.locals.caller = { ...owner, ...caller };
      res.locals.tenant = await gateway.tenantOf(merchant.slug);
      next();
    },
    adminMidtransAccountRoutes(gateway.services),
  ]);
  return (body: unknown) =>
    ask({
      method: 'PUT',
      path,
      headers: ['Content-Type', 'application/json'],
      body: JSON.stringify(body),
    });
}

async function rowOf({ id }: Merchant) {
  const { rows } = await gateway.admin.query('select * from tenants where id = $1', [id]);
  return rows[0];
}

/** The key that the provider was called with last. */
async function keyUsed(merchant: Merchant): Promise<string> {
  expect((await merchant.create(anOrder())).status).toBe(200);
  const authorization = gateway.midtrans.createCalls().at(-1)?.headers.authorization ?? '';
  return atob(authorization.replace('Basic ', '')).replace(/:$/, '');
}

test('a new key is stored sealed, and the next payment is made with it', async () => {
  const merchant = await gateway.merchant({ midtrans_merchant_id: 'G1', midtrans_client_key: 'x' });
  expect(await keyUsed(merchant)).toBe(merchant.serverKey);
  const put = await doorOf(merchant);

  const answer = await put({ ...account, clientKey: 'SB-Mid-client-1', merchantId: 'G222' });

  expect(answer).toMatchObject({
    status: 200,
    body: {
      success: true,
      account: { hasServerKey: true, environment: 'sandbox', merchantId: 'G222' },
    },
  });
  const row = await rowOf(merchant);
  expect(row).toMatchObject({
    midtrans_server_key: expect.stringMatching(/^sealed:/),
    midtrans_server_key_end: 'ter2',
    midtrans_client_key: 'SB-Mid-client-1',
    midtrans_merchant_id: 'G222',
    midtrans_environment: 'sandbox',
  });
  expect(await keyUsed(merchant)).toBe(newKey);
  expect(JSON.stringify([answer.body, answer.headers])).not.toContain('hunter2');
});

test('what is left out is not kept: it would belong to another account', async () => {
  const merchant = await gateway.merchant({ midtrans_merchant_id: 'G3', midtrans_client_key: 'x' });

  await (await doorOf(merchant))(account);

  expect(await rowOf(merchant)).toMatchObject({
    midtrans_merchant_id: null,
    midtrans_client_key: null,
  });
});

test('the change is written down: that a key is set, and not which one', async () => {
  const merchant = await gateway.merchant({ midtrans_server_key: null });

  await (await doorOf(merchant))({
    ...account,
    serverKey: 'Mid-server-hunter2',
    environment: 'production',
  });

  const entries = await merchant.rows<Record<string, unknown>>('audit_entries');
  expect(entries).toMatchObject([
    {
      action: 'midtrans-account.changed',
      actor_kind: 'user',
      actor_label: 'owner@shop.example',
      subject_kind: 'tenant',
      subject_id: merchant.id,
      before: '{"hasServerKey":false,"environment":"sandbox"}',
      after: '{"hasServerKey":true,"environment":"production"}',
    },
  ]);
  expect(inspect(entries)).not.toContain('hunter2');
});

test('no statement carries the key to the database', async () => {
  const merchant = await gateway.merchant();
  await gateway.admin.query(`create function refuse_hunter() returns trigger language plpgsql as
    $$ begin raise exception 'refused: %', new; end $$`);
  await gateway.admin.query(`create trigger refuse_hunter before update on tenants
    for each row execute function refuse_hunter()`);
  const logged = gateway.logLines.length;

  const answer = await (await doorOf(merchant))(account).finally(() =>
    gateway.admin.query('drop trigger refuse_hunter on tenants'),
  );

  expect(answer.status).toBe(500);
  expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  expect(gateway.logLines.slice(logged).join('')).not.toContain('hunter2');
  expect(await merchant.rows('audit_entries')).toEqual([]);
});

const faults: [string, Record<string, unknown>, string][] = [
  ['a key of the sandbox in production', { environment: 'production' }, 'serverKey'],
  [
    'a client key of the sandbox in production',
    { environment: 'production', serverKey: 'Mid-server-1', clientKey: 'SB-Mid-client-1' },
    'clientKey',
  ],
  ['no environment', { environment: undefined }, 'environment'],
  ['an unknown environment', { environment: 'staging' }, 'environment'],
  ['no key', { serverKey: undefined }, 'serverKey'],
  ['an empty key', { serverKey: '' }, 'serverKey'],
  ['a key with a blank', { serverKey: 'SB-Mid-server-hunter2 x' }, 'serverKey'],
  ['a key that looks sealed', { serverKey: 'sealed:hunter2hunter2' }, 'serverKey'],
  ['a key that is too long', { serverKey: 'h'.repeat(201) }, 'serverKey'],
  ['a merchant id with signs', { merchantId: 'G1;' }, 'merchantId'],
];

test.each(faults)('%s is refused, and nothing is changed', async (_, change, field) => {
  const merchant = await gateway.merchant();
  const before = await rowOf(merchant);

  const answer = await (await doorOf(merchant))({ ...account, ...change });

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(answer.body.errors).toMatchObject([{ field }]);
  expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  const { midtrans_environment, midtrans_merchant_id } = await rowOf(merchant);
  expect({ midtrans_environment, midtrans_merchant_id }).toEqual({
    midtrans_environment: before.midtrans_environment,
    midtrans_merchant_id: before.midtrans_merchant_id,
  });
  expect(await keyUsed(merchant)).toBe(merchant.serverKey);
});

test('a member that nobody knows is refused', async () => {
  const merchant = await gateway.merchant();

  const answer = await (await doorOf(merchant))({ ...account, tenantId: merchant.id });

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
});

test.each<[string, Partial<Extract<Caller, { kind: 'user' }>>, string]>([
  ['whose password was given long ago', { isFresh: false }, 'confirmation-required'],
  ['who owes a second factor', { owesSecondFactor: true }, 'second-factor-required'],
  ['of the finances', { tenantRole: 'finance' }, 'not-allowed'],
  ['who may only look', { tenantRole: 'viewer' }, 'not-allowed'],
  [
    'of the platform with a grant',
    { tenantRole: 'granted', platformRole: 'support' },
    'not-allowed',
  ],
  ['of another tenant', { tenantRole: undefined }, 'not-allowed'],
])('a person %s cannot change the key', async (_, caller, code) => {
  const merchant = await gateway.merchant();

  const answer = await (await doorOf(merchant, caller))(account);

  expect(answer).toMatchObject({ status: 403, body: { code } });
  expect(await keyUsed(merchant)).toBe(merchant.serverKey);
});

test('neither a secret key nor a name is enough to change the key', async () => {
  const merchant = await gateway.merchant();
  const stranger = await gateway.merchant();
  const put = (query: string, headers: Record<string, string>) =>
    gateway.send(`${path}${query}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(account),
    });
  const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

  expect(await put(`?tenant=${merchant.slug}`, {})).toMatchObject({
    status: 401,
    body: { code: 'credentials-required' },
  });
  expect(await put('', bearer(merchant.secretKey))).toMatchObject({
    status: 403,
    body: { code: 'not-allowed' },
  });
  expect(await put(`?tenant=${merchant.slug}`, bearer(stranger.secretKey))).toMatchObject({
    status: 400,
    body: { code: 'tenant-conflict' },
  });
  expect(await keyUsed(merchant)).toBe(merchant.serverKey);
});

test('a key that cannot be read is told to the operator, and refused to everybody else', async () => {
  const merchant = await gateway.merchant();
  const other = await gateway.merchant();
  await keyUsed(merchant);
  await gateway.admin.query(
    `update tenants set midtrans_server_key = overlay(midtrans_server_key placing 'AAAA' from 60)
      where id = $1`,
    [merchant.id],
  );
  gateway.services.directory.forget(merchant.id);

  const answers = [
    await merchant.create(anOrder()),
    await merchant.notify(
      merchant.signed({ order_id: 'x', status_code: '200', gross_amount: '1' }),
    ),
  ];

  for (const { status, body } of answers) {
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'provider-not-configured' });
    expect(JSON.stringify(body)).not.toMatch(/sealed|altered/);
  }
  const line = gateway.logLines.find((each) => each.includes('cannot be read'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({
    level: 50,
    tenantId: merchant.id,
    slug: merchant.slug,
    reason: 'altered',
  });
  expect(line).not.toContain(merchant.serverKey);
  expect((await merchant.stats()).status).toBe(200);
  expect(await keyUsed(other)).toBe(other.serverKey);

  await (await doorOf(merchant))(account);
  expect(await keyUsed(merchant)).toBe(newKey);
});
