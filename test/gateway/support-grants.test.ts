import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  SupportGrantListReply,
  type SupportGrantView,
} from '../../src/contracts/support-grants.ts';
import { platformChain } from '../../src/domain/audit.ts';
import { type Merchant, startGateway } from '../support/gateway.ts';
import { openMailDesk } from '../support/mail-desk.ts';
import { openPeople, type Person, telling } from '../support/people.ts';

const gateway = await startGateway();
const people = openPeople(gateway);
const desk = openMailDesk(gateway);
const path = '/api/superadmin/support-grants';
let merchant: Merchant;
let owner: Person;
let support: Person;

beforeEach(async () => {
  await desk.deliver();
  merchant = await gateway.merchant({ name: 'Buat Film', time_zone: 'Asia/Jakarta' });
  owner = await people.member(merchant, 'owner');
  support = await people.staff('support');
});

afterAll(gateway.close);

const reason = 'The merchant cannot find order 1187.';
const ask = (person: Person, more: object = {}) =>
  person.post(path, { tenant: merchant.slug, reason, minutes: 30, ...more });
const look = (person: Person) => person.get(`/admin/stats?tenant=${merchant.slug}`);
const shut = { status: 404, body: { code: 'tenant-not-found' } };

async function grant(person: Person): Promise<SupportGrantView> {
  const answer = await ask(person);
  expect(answer.status).toBe(201);
  return answer.body.grant as SupportGrantView;
}

async function runOut(id: string): Promise<void> {
  await gateway.admin.query(
    `update support_grants set expires_at = now() - interval '1 s' where id = $1`,
    [id],
  );
}

test.each(['support', 'superadmin'] as const)(
  '%s looks at a tenant by a grant only',
  async (role) => {
    const person = await people.staff(role);
    expect(await look(person)).toMatchObject(shut);

    await grant(person);

    expect((await look(person)).status).toBe(200);
    const chosen = await person.post('/api/auth/tenant', { slug: merchant.slug });
    expect(chosen.body).toMatchObject({ role: 'granted' });
    expect((await person.get('/admin/team')).status).toBe(200);
  },
);

test('a grant lets look and never touch', async () => {
  await grant(support);
  const named = `?tenant=${merchant.slug}`;

  for (const answer of [
    await support.put(`/admin/team/members/${owner.id}${named}`, { role: 'viewer' }),
    await support.delete(`/admin/team/members/${owner.id}${named}`),
    await support.post(`/admin/orders/ORDER-1/refunds${named}`, {}),
    await support.post(`/admin/reconciliations${named}`, {}),
  ]) {
    expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  }
});

test('a grant is good for one person and one tenant', async () => {
  const other = await gateway.merchant();
  const colleague = await people.staff('superadmin');
  await grant(support);

  expect(await look(colleague)).toMatchObject(shut);
  expect(await support.get(`/admin/stats?tenant=${other.slug}`)).toMatchObject(shut);
});

test('a grant ends with its time', async () => {
  const { id, since, until } = await grant(support);
  expect(Date.parse(until) - Date.parse(since)).toBe(30 * 60_000);
  expect((await look(support)).status).toBe(200);

  await runOut(id);

  expect(await look(support)).toMatchObject(shut);
  expect(await support.delete(`${path}/${id}`)).toMatchObject({
    status: 404,
    body: { code: 'support-grant-not-found' },
  });
});

test('a grant can be ended before, and another one made', async () => {
  const { id } = await grant(support);
  expect(await ask(support)).toMatchObject({
    status: 409,
    body: { code: 'support-grant-running' },
  });

  expect((await support.delete(`${path}/${id}`)).status).toBe(200);

  expect(await look(support)).toMatchObject(shut);
  expect((await ask(support)).status).toBe(201);
});

test('of grants that are asked for at once one is made', async () => {
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask(support)));

  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
});

test.each(['viewer', undefined] as const)('a grant ends with the role, for %s', async (role) => {
  const boss = await people.staff('superadmin');
  await grant(support);
  const staff = `/api/superadmin/staff/members/${support.id}`;

  const change = role ? await boss.put(staff, { role }) : await boss.delete(staff);

  expect(change.status).toBe(200);
  expect(await look(support)).toMatchObject(shut);
  expect(await people.actionsOf(merchant.id)).toEqual(
    ['support-grant.made', 'support-grant.used', 'support-grant.ended'].filter(
      (action) => action !== 'support-grant.used',
    ),
  );
  // It does not come back with the role.
  await gateway.admin.query(
    `insert into identity.platform_members (user_id, role) values ($1, 'support')
     on conflict (user_id) do update set role = excluded.role`,
    [support.id],
  );
  expect(await look(support)).toMatchObject(shut);
});

test('a role that is gone by SQL takes its running grants along', async () => {
  await grant(support);
  await gateway.admin.query(
    `update identity.platform_members set role = 'viewer' where user_id = $1`,
    [support.id],
  );

  expect(await look(support)).toMatchObject(shut);
});

test('a tenant that is not active is not looked at either', async () => {
  await grant(support);
  await gateway.admin.query(`update tenants set status = 'suspended' where id = $1`, [merchant.id]);

  expect(await look(support)).toMatchObject({ status: 403, body: { code: 'tenant-inactive' } });
  const colleague = await people.staff('support');
  expect(await ask(colleague)).toMatchObject({ status: 403, body: { code: 'tenant-inactive' } });
});

test('who watches the platform makes no grants, and a member none at all', async () => {
  const viewer = await people.staff('viewer');

  expect(await ask(viewer)).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  expect(await ask(owner)).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  expect((await viewer.get(path)).status).toBe(200);
  expect(await owner.get(path)).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
});

test.each([
  [{ reason: 'too short' }],
  [{ reason: 'x'.repeat(501) }],
  [{ minutes: 4 }],
  [{ minutes: 241 }],
  [{ minutes: 30.5 }],
  [{ userId: randomUUID() }],
])('a grant has a reason and an end: %o is refused', async (more) => {
  expect(await ask(support, more)).toMatchObject({
    status: 400,
    body: { code: 'invalid-request' },
  });
});

test('a tenant that is not there gets no grant', async () => {
  expect(await ask(support, { tenant: 'no-such-shop' })).toMatchObject(shut);
});

test('a grant is in the books of the tenant and of the platform', async () => {
  const { id } = await grant(support);
  await support.delete(`${path}/${id}`);

  for (const chain of [merchant.id, platformChain]) {
    const entries = (await people.chain(chain)).filter(({ subject_id }) => subject_id === id);
    expect(entries.map(({ action }) => action)).toEqual([
      'support-grant.made',
      'support-grant.ended',
    ]);
    expect(entries.every(({ actor_id }) => actor_id === support.id)).toBe(true);
    expect(JSON.parse(entries[0]?.after ?? '')).toMatchObject({
      tenant: merchant.slug,
      staff: support.email,
      reason,
    });
  }
});

test('the use of a grant is in the tenant’s book, once an hour', async () => {
  const { id } = await grant(support);
  await look(support);
  await look(support);
  expect(await people.actionsOf(merchant.id)).toEqual(['support-grant.made', 'support-grant.used']);

  await gateway.admin.query(
    `update support_grants set used_at = now() - interval '61 minutes' where id = $1`,
    [id],
  );
  await Promise.all([look(support), look(support), look(support)]);

  expect((await people.actionsOf(merchant.id)).slice(2)).toEqual(['support-grant.used']);
});

test('the owners are told by mail, and nobody else', async () => {
  const second = await people.member(merchant, 'owner');
  const disabled = await people.member(merchant, 'owner');
  await gateway.admin.query('update identity.users set disabled_at = now() where id = $1', [
    disabled.id,
  ]);
  await people.member(merchant, 'admin');

  await grant(support);

  const mails = await desk.deliver();
  expect(mails.map(({ to }) => to.address).sort()).toEqual([owner.email, second.email].sort());
  for (const mail of mails) {
    expect(mail.subject).toContain('Buat Film');
    expect(mail.text).toContain(reason);
    expect(mail.text).toContain(support.email);
    expect(mail.from.address).toBe('no-reply@kassa.example');
  }
});

test('who is no owner any more when the mail is written is not told', async () => {
  await grant(support);
  await people.join(owner, merchant, 'viewer');

  expect(await desk.deliver()).toEqual([]);
});

test('the grants of all tenants are listed, newest first, page by page', async () => {
  const older = await grant(support);
  const newer = await grant(await people.staff('superadmin'));

  const first = SupportGrantListReply.parse((await support.get(`${path}?limit=1`)).body);
  const second = SupportGrantListReply.parse(
    (await support.get(`${path}?limit=1&cursor=${first.next}`)).body,
  );

  expect(first.grants).toMatchObject([{ id: newer.id, tenant: merchant.slug, reason }]);
  expect(second.grants).toMatchObject([{ id: older.id, email: support.email, endedAt: null }]);
});

test('a grant that nobody has is told as one that has ended', async () => {
  const { id } = await grant(support);
  await support.delete(`${path}/${id}`);

  expect(telling(await support.delete(`${path}/${id}`))).toEqual(
    telling(await support.delete(`${path}/${randomUUID()}`)),
  );
});
