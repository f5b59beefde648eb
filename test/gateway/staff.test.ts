import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { StaffReply } from '../../src/contracts/team.ts';
import { platformChain } from '../../src/domain/audit.ts';
import { startGateway } from '../support/gateway.ts';
import { openMailDesk } from '../support/mail-desk.ts';
import { openPeople, type Person, telling } from '../support/people.ts';

const gateway = await startGateway();
const people = openPeople(gateway);
const desk = openMailDesk(gateway);
const path = '/api/superadmin/staff';
let boss: Person;

beforeEach(async () => {
  await gateway.admin.query('delete from identity.platform_members');
  boss = await people.staff('superadmin');
});

afterAll(gateway.close);

async function roles() {
  const { rows } = await gateway.admin.query<{ user_id: string; role: string }>(
    'select user_id, role from identity.platform_members',
  );
  return new Map(rows.map(({ user_id, role }) => [user_id, role]));
}

/** Of the platform's chain; that somebody was refused stands between. */
const lastActions = async (count: number) =>
  (await people.actionsOf(platformChain))
    .filter((action) => action !== 'request.refused')
    .slice(-count);

test('a superadmin sees the staff', async () => {
  const support = await people.staff('support');

  const { members, next } = StaffReply.parse((await boss.get(path)).body);

  expect(members.map(({ userId, role }) => [userId, role])).toEqual([
    [boss.id, 'superadmin'],
    [support.id, 'support'],
  ]);
  expect(next).toBeNull();
});

test('staff is invited by mail, and has the role with an account', async () => {
  const email = `staff-${randomUUID().slice(0, 8)}@kassa.example`;
  const invited = await boss.post(path, { email, name: 'Wayan', role: 'support' });
  expect(invited).toMatchObject({ status: 201, body: { invitation: { email, name: 'Wayan' } } });

  const token = await desk.tokenFor(email);
  expect((await desk.post('/api/auth/invitations/preview', { token })).body).toMatchObject({
    invitation: { tenant: null, role: 'support' },
  });
  const accepted = await desk.post('/api/auth/invitations/accept', {
    token,
    password: 'violet otter climbs nine bridges',
  });

  expect(accepted.body).toEqual({ success: true, tenant: null, role: 'support' });
  expect([...(await roles()).values()].sort()).toEqual(['superadmin', 'support']);
  expect(await lastActions(2)).toEqual(['invitation.sent', 'invitation.accepted']);
});

test('an invitation of the staff can be sent again and revoked', async () => {
  const email = `staff-${randomUUID().slice(0, 8)}@kassa.example`;
  const { body } = await boss.post(path, { email, name: 'Wayan', role: 'viewer' });
  const { id } = body.invitation as { id: string };
  const first = await desk.tokenFor(email);

  expect((await boss.post(`${path}/invitations/${id}/resend`)).status).toBe(200);
  const second = await desk.tokenFor(email);
  expect((await boss.delete(`${path}/invitations/${id}`)).status).toBe(200);

  for (const token of [first, second]) {
    expect(await desk.post('/api/auth/invitations/preview', { token })).toMatchObject({
      status: 404,
      body: { code: 'invitation-not-usable' },
    });
  }
  expect(await boss.delete(`${path}/invitations/${id}`)).toMatchObject({
    status: 404,
    body: { code: 'invitation-not-found' },
  });
});

test('a tenant’s owner reaches no invitation of the staff', async () => {
  const owner = await people.member(await gateway.merchant(), 'owner');
  const email = `staff-${randomUUID().slice(0, 8)}@kassa.example`;
  const { body } = await boss.post(path, { email, name: 'Wayan', role: 'superadmin' });
  const { id } = body.invitation as { id: string };

  const theirs = await owner.delete(`/admin/team/invitations/${id}`);

  expect(telling(theirs)).toEqual(
    telling(await owner.delete(`/admin/team/invitations/${randomUUID()}`)),
  );
  expect(theirs.status).toBe(404);
  expect((await boss.delete(`${path}/invitations/${id}`)).status).toBe(200);
});

test('a role of the platform cannot be had by way of a tenant', async () => {
  const owner = await people.member(await gateway.merchant(), 'owner');

  for (const role of ['superadmin', 'support']) {
    const answer = await owner.post('/admin/team/invitations', { email: 'x@x.example', role });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  }
});

test.each(['support', 'viewer'] as const)('%s changes nobody of the staff', async (role) => {
  const person = await people.staff(role);

  for (const answer of [
    await person.get(path),
    await person.post(path, { email: 'x@kassa.example', name: 'X', role: 'viewer' }),
    await person.put(`${path}/members/${person.id}`, { role: 'superadmin' }),
    await person.delete(`${path}/members/${boss.id}`),
  ]) {
    expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  }
  expect((await roles()).get(person.id)).toBe(role);
});

test('a role that is taken away counts from the next request on', async () => {
  const other = await people.staff('superadmin');
  expect((await other.get(path)).status).toBe(200);

  expect((await boss.put(`${path}/members/${other.id}`, { role: 'viewer' })).status).toBe(200);
  expect(await other.get(path)).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  expect((await other.get('/api/superadmin/support-grants')).status).toBe(200);

  expect((await boss.delete(`${path}/members/${other.id}`)).status).toBe(200);
  expect((await other.get('/api/superadmin/support-grants')).status).toBe(403);
  expect(await lastActions(2)).toEqual(['member.role-changed', 'member.removed']);
});

test('the last superadmin stays', async () => {
  await people.staff('support');

  for (const answer of [
    await boss.put(`${path}/members/${boss.id}`, { role: 'support' }),
    await boss.delete(`${path}/members/${boss.id}`),
  ]) {
    expect(answer).toMatchObject({ status: 409, body: { code: 'last-superadmin' } });
  }
  expect((await roles()).get(boss.id)).toBe('superadmin');
});

test('of two superadmins who remove each other at once one stays', async () => {
  for (let round = 0; round < 10; round += 1) {
    await gateway.admin.query('delete from identity.platform_members');
    const one = await people.staff('superadmin');
    const two = await people.staff('superadmin');

    const answers = await Promise.all([
      one.delete(`${path}/members/${two.id}`),
      two.delete(`${path}/members/${one.id}`),
    ]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    expect(await roles()).toHaveProperty('size', 1);
  }
});

test('who is none of the staff is not there', async () => {
  const outsider = await people.user();

  const theirs = await boss.put(`${path}/members/${outsider.id}`, { role: 'support' });

  expect(theirs).toMatchObject({ status: 404, body: { code: 'member-not-found' } });
  expect(telling(theirs)).toEqual(
    telling(await boss.put(`${path}/members/${randomUUID()}`, { role: 'support' })),
  );
});

test('staff without a second factor does nothing', async () => {
  const careless = await people.staff('superadmin', { hasSecondFactor: false });

  expect(await careless.get(path)).toMatchObject({
    status: 403,
    body: { code: 'second-factor-required' },
  });
});

test('what is done to the staff wants the password given a short while ago', async () => {
  const stale = await people.user({ hasSecondFactor: true }, { isFresh: false });
  await gateway.admin.query(
    `insert into identity.platform_members (user_id, role) values ($1, 'superadmin')`,
    [stale.id],
  );

  for (const answer of [
    await stale.post(path, { email: 'x@kassa.example', name: 'X', role: 'viewer' }),
    await stale.delete(`${path}/members/${boss.id}`),
    await stale.post('/api/superadmin/support-grants', {
      tenant: 'some-shop',
      reason: 'looking for a lost payment',
      minutes: 30,
    }),
  ]) {
    expect(answer).toMatchObject({ status: 403, body: { code: 'confirmation-required' } });
  }
});
