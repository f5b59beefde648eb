import { inspect } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { anOrder, type Merchant, startGateway } from '../support/gateway.ts';
import { openPeople, type Person, telling } from '../support/people.ts';

const gateway = await startGateway();
const people = openPeople(gateway);
afterAll(gateway.close);

const path = '/admin/settings/midtrans';
const newKey = 'SB-Mid-server-hunter2hunter2';
const account = { serverKey: newKey, environment: 'sandbox' };

/** The route as somebody reaches it who works for the merchant; its owner unless told otherwise. */
async function doorOf(merchant: Merchant, person?: Person) {
  const asking = person ?? (await people.member(merchant, 'owner'));
  return (body: unknown) => asking.put(`${path}?tenant=${merchant.slug}`, body);
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

  const owner = await people.member(merchant, 'owner');
  await (await doorOf(merchant, owner))({
    ...account,
    serverKey: 'Mid-server-hunter2',
    environment: 'production',
  });

  const entries = await merchant.rows<Record<string, unknown>>('audit_entries');
  expect(entries).toMatchObject([
    {
      action: 'midtrans-account.changed',
      actor_kind: 'user',
      actor_label: owner.email,
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

test.each<[string, (merchant: Merchant) => Promise<Person>, string]>([
  [
    'whose password was given long ago',
    (merchant) => people.member(merchant, 'owner', {}, { isFresh: false }),
    'confirmation-required',
  ],
  [
    'who owes a second factor',
    async (merchant) => {
      await gateway.admin.query('update tenants set requires_second_factor = true where id = $1', [
        merchant.id,
      ]);
      return people.member(merchant, 'owner');
    },
    'second-factor-required',
  ],
  ['of the finances', (merchant) => people.member(merchant, 'finance'), 'not-allowed'],
  ['who may only look', (merchant) => people.member(merchant, 'viewer'), 'not-allowed'],
  ['of the platform with a grant', (merchant) => grantee(merchant), 'not-allowed'],
])('a person %s cannot change the key', async (_, find, code) => {
  const merchant = await gateway.merchant();

  const answer = await (await doorOf(merchant, await find(merchant)))(account);

  expect(answer).toMatchObject({ status: 403, body: { code } });
  expect(await keyUsed(merchant)).toBe(merchant.serverKey);
});

test('a person of another tenant cannot change the key, or learn whether there is one', async () => {
  const merchant = await gateway.merchant();
  const stranger = await people.member(await gateway.merchant(), 'owner');

  const answer = await stranger.put(`${path}?tenant=${merchant.slug}`, account);
  const nothing = await stranger.put(`${path}?tenant=${merchant.slug}x`, account);

  expect(answer).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } });
  expect(telling(answer)).toEqual(telling(nothing));
  expect(await keyUsed(merchant)).toBe(merchant.serverKey);
});

async function grantee(merchant: Merchant): Promise<Person> {
  const person = await people.staff('support');
  await gateway.admin.query(
    `insert into support_grants (tenant_id, user_id, reason, expires_at)
     values ($1, $2, 'They asked for help.', now() + interval '1 hour')`,
    [merchant.id, person.id],
  );
  return person;
}

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
