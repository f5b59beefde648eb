import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { openPeople, type Person, telling } from '../support/people.ts';

let gateway: Gateway;
let people: ReturnType<typeof openPeople>;
let merchant: Merchant;
let other: Merchant;
let viewer: Person;

beforeAll(async () => {
  gateway = await startGateway();
  people = openPeople(gateway);
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  other = await gateway.merchant();
  viewer = await people.member(merchant, 'viewer');
});

afterAll(() => gateway.close());

/** Which of the two merchants a user's request is for, by the orders that it sees. */
async function placeOf(person: Person, query = '') {
  const { status, body } = await person.get(`/admin/stats${query}`);
  if (status !== 200) return body.code;
  const { currency } = body.stats as { currency: string };
  return currency;
}

test('a user with one tenant works for that, without having chosen', async () => {
  expect((await viewer.get('/admin/stats')).status).toBe(200);
});

test('a user with several tenants chooses one, and a request may name another', async () => {
  const [swedish, japanese] = [
    await gateway.merchant({ currency: 'SEK' }),
    await gateway.merchant({ currency: 'JPY' }),
  ];
  const person = await people.member(swedish, 'viewer');
  await people.join(person, japanese, 'owner');
  expect(await placeOf(person)).toBe('tenant-missing');

  const chosen = await person.post('/api/auth/tenant', { slug: japanese.slug });

  expect(chosen.body).toMatchObject({ tenant: { slug: japanese.slug }, role: 'owner' });
  expect(await placeOf(person)).toBe('JPY');
  expect(await placeOf(person, `?tenant=${swedish.slug}`)).toBe('SEK');
  expect((await person.get('/api/auth/session')).body.tenants).toMatchObject(
    [
      { slug: swedish.slug, role: 'viewer', status: 'active', isActive: false },
      { slug: japanese.slug, role: 'owner', status: 'active', isActive: true },
    ].sort((a, b) => (a.slug < b.slug ? -1 : 1)),
  );
});

test('the role in one tenant counts for nothing in another', async () => {
  const person = await people.member(merchant, 'owner');
  await people.join(person, other, 'viewer');
  const email = 'new@people.example';

  const refused = await person.post(`/admin/team/invitations?tenant=${other.slug}`, {
    email,
    role: 'viewer',
  });

  expect(refused).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
});

test('a stranger’s tenant and one that does not exist are told in the same words', async () => {
  const unknown = await viewer.get('/admin/stats?tenant=no-such-shop');

  const theirs = await viewer.get(`/admin/stats?tenant=${other.slug}`);
  const chosen = await viewer.post('/api/auth/tenant', { slug: other.slug });

  expect(telling(theirs)).toEqual(telling(unknown));
  expect(telling(chosen)).toEqual(telling(unknown));
  expect(theirs).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } });
});

test('a superadmin has no door into a tenant', async () => {
  const superadmin = await people.staff('superadmin');

  expect(await superadmin.get(`/admin/stats?tenant=${merchant.slug}`)).toMatchObject({
    status: 404,
    body: { code: 'tenant-not-found' },
  });
  expect(await superadmin.get('/admin/stats')).toMatchObject({
    status: 400,
    body: { code: 'tenant-missing' },
  });
});

test('a chosen tenant that is lost is not replaced by another', async () => {
  await people.join(viewer, other, 'viewer');
  await viewer.post('/api/auth/tenant', { slug: merchant.slug });
  await gateway.admin.query('delete from memberships where tenant_id = $1 and user_id = $2', [
    merchant.id,
    viewer.id,
  ]);

  expect(await viewer.get('/admin/stats')).toMatchObject({
    status: 404,
    body: { code: 'tenant-not-found' },
  });
});

test.each(['pending', 'inactive', 'suspended', 'archived'])(
  'a member of a tenant that is %s can do nothing from the next request on',
  async (status) => {
    const owner = await people.member(merchant, 'owner');
    expect((await owner.get(`/admin/stats?tenant=${merchant.slug}`)).status).toBe(200);

    await gateway.admin.query('update tenants set status = $2 where id = $1', [
      merchant.id,
      status,
    ]);

    for (const answer of [
      await owner.get(`/admin/stats?tenant=${merchant.slug}`),
      await owner.get('/admin/team'),
      await owner.delete(`/admin/team/members/${viewer.id}`),
      await owner.post('/api/auth/tenant', { slug: merchant.slug }),
      // A missing right would be told otherwise.
      await viewer.get('/admin/team'),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'tenant-inactive' } });
    }
  },
);

test('the status of a tenant is not remembered where nothing announces its change', async () => {
  const owner = await people.member(merchant, 'owner');
  await owner.get(`/admin/stats?tenant=${merchant.slug}`);
  const client = await gateway.admin.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(`update tenants set status = 'suspended' where id = $1`, [merchant.id]);
  } finally {
    client.release(true);
  }

  expect(await owner.get(`/admin/stats?tenant=${merchant.slug}`)).toMatchObject({
    status: 403,
    body: { code: 'tenant-inactive' },
  });
});

test('a tenant can want a second factor of whoever works for it', async () => {
  const safe = await people.member(merchant, 'viewer', { hasSecondFactor: true });
  await gateway.admin.query('update tenants set requires_second_factor = true where id = $1', [
    merchant.id,
  ]);

  expect(await viewer.get('/admin/stats')).toMatchObject({
    status: 403,
    body: { code: 'second-factor-required' },
  });
  expect((await safe.get('/admin/stats')).status).toBe(200);
  // The own account stays open, or the factor could not be set up.
  expect((await viewer.get('/api/auth/session')).status).toBe(200);
});

test('who works for one shop can be another one’s shopper', async () => {
  const answer = await viewer.post(`/payment/create?tenant=${other.slug}`, anOrder());

  expect(answer.status).toBe(200);
  expect(await other.rows('orders')).toHaveLength(1);
});

test('without a name a shopper’s request is not for the tenant that a session has chosen', async () => {
  await viewer.post('/api/auth/tenant', { slug: merchant.slug });

  expect(await viewer.post('/payment/create', anOrder())).toMatchObject({
    status: 400,
    body: { code: 'tenant-missing' },
  });
});

test('a name that no tenant can have is refused before anybody looks', async () => {
  expect(await viewer.post('/api/auth/tenant', { slug: '../x' })).toMatchObject({
    status: 400,
    body: { code: 'invalid-request' },
  });
});
