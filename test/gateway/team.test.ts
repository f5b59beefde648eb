import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { TeamReply } from '../../src/contracts/team.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { openPeople, type Person, telling } from '../support/people.ts';

let gateway: Gateway;
let people: ReturnType<typeof openPeople>;
let merchant: Merchant;
let owner: Person;

beforeAll(async () => {
  gateway = await startGateway();
  people = openPeople(gateway);
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  owner = await people.member(merchant, 'owner');
});

afterAll(() => gateway.close());

const roleOf = async (person: Person) => {
  const rows = await merchant.rows<{ user_id: string; role: string }>('memberships');
  return rows.find(({ user_id }) => user_id === person.id)?.role;
};

test('a team shows its members with role and second factor, page by page', async () => {
  const viewer = await people.member(merchant, 'viewer', { hasSecondFactor: true, name: 'Siti' });

  const first = TeamReply.parse((await owner.get('/admin/team?limit=1')).body);
  const second = TeamReply.parse(
    (await owner.get(`/admin/team?limit=1&cursor=${first.next}`)).body,
  );

  expect(first.members).toMatchObject([
    { userId: owner.id, role: 'owner', hasSecondFactor: false },
  ]);
  expect(second.members).toMatchObject([
    { userId: viewer.id, email: viewer.email, name: 'Siti', role: 'viewer', hasSecondFactor: true },
  ]);
  expect(second.next).toBeNull();
});

test('an owner changes a role, which counts from the next request on and is written down', async () => {
  const admin = await people.member(merchant, 'admin');
  expect((await admin.get('/admin/team')).status).toBe(200);

  const answer = await owner.put(`/admin/team/members/${admin.id}`, { role: 'viewer' });

  expect(answer.status).toBe(200);
  expect(await admin.get('/admin/team')).toMatchObject({
    status: 403,
    body: { code: 'not-allowed' },
  });
  expect(await people.chain(merchant.id)).toMatchObject([
    {
      action: 'member.role-changed',
      actor_id: owner.id,
      subject_id: admin.id,
      before: '{"role":"admin"}',
      after: '{"role":"viewer"}',
    },
  ]);
});

test('a role that is the same already is left, and nothing is written down', async () => {
  const admin = await people.member(merchant, 'admin');

  expect((await owner.put(`/admin/team/members/${admin.id}`, { role: 'admin' })).status).toBe(200);

  expect(await people.chain(merchant.id)).toEqual([]);
});

test('a removed member is a stranger from the next request on', async () => {
  const finance = await people.member(merchant, 'finance');
  expect((await finance.get('/admin/stats')).status).toBe(200);

  expect((await owner.delete(`/admin/team/members/${finance.id}`)).status).toBe(200);

  // Before the refusal, which is written down as well, in its own time.
  expect(await people.actionsOf(merchant.id)).toEqual(['member.removed']);
  expect(await finance.get(`/admin/stats?tenant=${merchant.slug}`)).toMatchObject({
    status: 404,
    body: { code: 'tenant-not-found' },
  });
});

test.each(['admin', 'finance', 'viewer'] as const)(
  'a member who is %s changes nobody, himself included',
  async (role) => {
    const member = await people.member(merchant, role);
    const other = await people.member(merchant, 'viewer');

    for (const answer of [
      await member.put(`/admin/team/members/${member.id}`, { role: 'owner' }),
      await member.put(`/admin/team/members/${other.id}`, { role: 'admin' }),
      await member.delete(`/admin/team/members/${owner.id}`),
      await member.delete(`/admin/team/members/${other.id}`),
      await member.post('/admin/team/invitations', { email: 'new@people.example', role: 'viewer' }),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
    }
    expect(await roleOf(member)).toBe(role);
    expect(await roleOf(other)).toBe('viewer');
    expect(await roleOf(owner)).toBe('owner');
  },
);

test('a secret key changes nobody', async () => {
  const answer = await gateway.send(`/admin/team/members/${owner.id}`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${merchant.secretKey}` },
  });

  expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
});

test('what is done to a team wants the password given a short while ago', async () => {
  const stale = await people.user({}, { isFresh: false });
  await people.join(stale, merchant, 'owner');

  for (const answer of [
    await stale.put(`/admin/team/members/${owner.id}`, { role: 'viewer' }),
    await stale.delete(`/admin/team/members/${owner.id}`),
    await stale.post('/admin/team/invitations', { email: 'new@people.example', role: 'viewer' }),
  ]) {
    expect(answer).toMatchObject({ status: 403, body: { code: 'confirmation-required' } });
  }
  expect(await roleOf(owner)).toBe('owner');
});

test('the last owner can neither step down nor leave, and a disabled one does not count', async () => {
  const disabled = await people.member(merchant, 'owner');
  await gateway.admin.query('update identity.users set disabled_at = now() where id = $1', [
    disabled.id,
  ]);

  for (const answer of [
    await owner.put(`/admin/team/members/${owner.id}`, { role: 'admin' }),
    await owner.delete(`/admin/team/members/${owner.id}`),
    await owner.post('/api/auth/tenant/leave', { slug: merchant.slug }),
  ]) {
    expect(answer).toMatchObject({ status: 409, body: { code: 'last-owner' } });
  }
  expect(await roleOf(owner)).toBe('owner');
});

test('of two owners who demote each other at once one stays an owner', async () => {
  for (let round = 0; round < 10; round += 1) {
    const shop = await gateway.merchant();
    const one = await people.member(shop, 'owner');
    const two = await people.member(shop, 'owner');

    const answers = await Promise.all([
      one.put(`/admin/team/members/${two.id}`, { role: 'viewer' }),
      two.put(`/admin/team/members/${one.id}`, { role: 'viewer' }),
    ]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    const rows = await shop.rows<{ role: string }>('memberships');
    expect(rows.map(({ role }) => role).sort()).toEqual(['owner', 'viewer']);
  }
});

test('of two owners who leave at once one stays', async () => {
  for (let round = 0; round < 10; round += 1) {
    const shop = await gateway.merchant();
    const one = await people.member(shop, 'owner');
    const two = await people.member(shop, 'owner');

    const answers = await Promise.all([
      one.delete(`/admin/team/members/${one.id}`),
      two.delete(`/admin/team/members/${two.id}`),
    ]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await shop.rows('memberships')).toHaveLength(1);
  }
});

test('anybody may leave, whatever the role', async () => {
  const viewer = await people.member(merchant, 'viewer');

  const answer = await viewer.post('/api/auth/tenant/leave', { slug: merchant.slug });

  expect(answer.status).toBe(200);
  expect(await roleOf(viewer)).toBeUndefined();
  expect(await people.actionsOf(merchant.id)).toEqual(['member.removed']);
});

test('nobody leaves a tenant that he does not work for', async () => {
  const stranger = await people.user();

  const theirs = await stranger.post('/api/auth/tenant/leave', { slug: merchant.slug });
  const nobodys = await stranger.post('/api/auth/tenant/leave', { slug: 'no-such-shop' });

  expect(telling(theirs)).toEqual(telling(nobodys));
  expect(theirs).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } });
});

test('whoever may not invite any more leaves no invitation open', async () => {
  const other = await people.member(merchant, 'owner');
  await other.post('/admin/team/invitations', { email: 'accomplice@x.example', role: 'owner' });
  await owner.post('/admin/team/invitations', { email: 'colleague@x.example', role: 'viewer' });

  await owner.put(`/admin/team/members/${other.id}`, { role: 'admin' });

  const { invitations } = TeamReply.parse((await owner.get('/admin/team')).body);
  expect(invitations.map(({ email }) => email)).toEqual(['colleague@x.example']);
});

test('a change that is sent again under its key is made once', async () => {
  const viewer = await people.member(merchant, 'viewer');
  const remove = () =>
    gateway.send(`/admin/team/members/${viewer.id}`, {
      method: 'DELETE',
      headers: { Cookie: owner.cookie, Origin: gateway.publicUrl, 'Idempotency-Key': 'remove-1' },
    });

  const answers = [await remove(), await remove()];

  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(answers[1]?.headers.get('Idempotent-Replayed')).toBe('true');
});

test('an owner of another tenant learns of no member, and changes none', async () => {
  const viewer = await people.member(merchant, 'viewer');
  const stranger = await people.member(await gateway.merchant(), 'owner');
  const asks = [
    (id: string) => stranger.put(`/admin/team/members/${id}`, { role: 'admin' }),
    (id: string) => stranger.delete(`/admin/team/members/${id}`),
  ];

  for (const ask of asks) {
    const theirs = await ask(viewer.id);
    expect(theirs).toMatchObject({ status: 404, body: { code: 'member-not-found' } });
    expect(telling(theirs)).toEqual(telling(await ask(randomUUID())));
  }
  expect(await roleOf(viewer)).toBe('viewer');
  expect(await people.chain(merchant.id)).toEqual([]);
});
