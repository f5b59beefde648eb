import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { InvitationPreviewReply, TeamReply } from '../../src/contracts/team.ts';
import { bySystem, type Origin } from '../../src/domain/caller.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { openMailDesk } from '../support/mail-desk.ts';
import { openPeople, type Person, telling } from '../support/people.ts';

let gateway: Gateway;
let people: ReturnType<typeof openPeople>;
let desk: ReturnType<typeof openMailDesk>;
let merchant: Merchant;
let owner: Person;

beforeAll(async () => {
  gateway = await startGateway();
  people = openPeople(gateway);
  desk = openMailDesk(gateway);
});

beforeEach(async () => {
  merchant = await gateway.merchant({ name: 'Buat Film', locale: 'en' });
  owner = await people.member(merchant, 'owner');
});

afterAll(() => gateway.close());

type Body = Record<string, string>;

const anAddress = () => `guest-${randomUUID().slice(0, 8)}@people.example`;
const password = 'violet otter climbs nine bridges';

async function invite(email: string, role = 'viewer') {
  const answer = await owner.post('/admin/team/invitations', { email, role });
  expect(answer.status).toBe(201);
  return (answer.body.invitation as { id: string }).id;
}

/** Invites and reads the mail: the token that its link ends in. */
async function invited(email: string, role = 'viewer') {
  const id = await invite(email, role);
  return { id, token: await desk.tokenFor(email) };
}

const preview = (token: string) => desk.post('/api/auth/invitations/preview', { token });
const accept = (token: string, more: object = {}) =>
  desk.post('/api/auth/invitations/accept', { token, ...more });
const notUsable = { status: 404, body: { code: 'invitation-not-usable' } };

test('an invitation is mailed, looked at, and makes an account that works for the tenant', async () => {
  const email = anAddress();
  const { id, token } = await invited(email.toUpperCase(), 'finance');
  expect(InvitationPreviewReply.parse((await preview(token)).body).invitation).toMatchObject({
    tenant: { slug: merchant.slug, name: 'Buat Film' },
    email,
    role: 'finance',
    hasAccount: false,
  });

  const answer = await accept(token, { name: 'Siti Rahma', password });

  expect(answer.body).toEqual({ success: true, tenant: merchant.slug, role: 'finance' });
  const { members, invitations } = TeamReply.parse((await owner.get('/admin/team')).body);
  expect(members.at(-1)).toMatchObject({ email, name: 'Siti Rahma', role: 'finance' });
  expect(invitations).toEqual([]);
  const signIn = await desk.post('/api/auth/sign-in', { email, password });
  expect(signIn).toMatchObject({ status: 200, body: { secondFactorRequired: false } });
  expect(await people.chain(merchant.id)).toMatchObject([
    { action: 'invitation.sent', actor_id: owner.id, subject_id: id },
    { action: 'invitation.accepted', actor_id: members.at(-1)?.userId, subject_id: id },
  ]);
});

test('a signed-in user accepts with the own account, and goes on in that tenant', async () => {
  const person = await people.user();
  const { token } = await invited(person.email, 'admin');
  expect((await preview(token)).body.invitation).toMatchObject({ hasAccount: true });

  const answer = await person.post('/api/auth/invitations/accept', { token });

  expect(answer.body).toEqual({ success: true, tenant: merchant.slug, role: 'admin' });
  expect((await person.get('/admin/team')).status).toBe(200);
});

test('whether an address has an account, inviting does not tell', async () => {
  const known = (await people.user()).email;
  const unknown = anAddress();

  const answers = await Promise.all(
    [known, unknown].map(async (email) => {
      const asked = { email, role: 'viewer' };
      const { status, body } = await owner.post('/admin/team/invitations', asked);
      const { id, since, expiresAt, email: shown, ...rest } = body.invitation as Body;
      return { status, keys: Object.keys(body), isShown: shown === email, rest };
    }),
  );

  expect(answers[0]).toEqual(answers[1]);
});

test('of a token only its hash is stored, and none before the mail is written', async () => {
  const email = anAddress();
  await invite(email);
  expect(await merchant.rows('invitations')).toMatchObject([{ token_hash: null }]);

  const token = await desk.tokenFor(email);

  const [row] = await merchant.rows<{ token_hash: Buffer }>('invitations');
  expect(row?.token_hash).toEqual(createHash('sha256').update(token).digest());
  expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  const { rows } = await gateway.admin.query('select payload::text as text from platform_outbox');
  const stored = JSON.stringify([rows, await merchant.rows('audit_entries')]);
  expect(stored).not.toContain(token);
  expect(gateway.logLines.join('')).not.toContain(token);
});

test('of several who take an invitation up at once one gets in', async () => {
  const { token } = await invited(anAddress());

  const answers = await Promise.all(
    Array.from({ length: 4 }, () => accept(token, { name: 'Siti', password })),
  );

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404]);
  expect(await merchant.rows('memberships')).toHaveLength(2);
});

test('a used invitation cannot be used again', async () => {
  const person = await people.user();
  const { token } = await invited(person.email);
  await person.post('/api/auth/invitations/accept', { token });
  await owner.delete(`/admin/team/members/${person.id}`);

  expect(await person.post('/api/auth/invitations/accept', { token })).toMatchObject(notUsable);
  expect(await merchant.rows('memberships')).toHaveLength(1);
});

test('unknown, used, revoked and outdated tokens are told in the same words', async () => {
  const revoked = await invited(anAddress());
  await owner.delete(`/admin/team/invitations/${revoked.id}`);
  const late = await invited(anAddress());
  await gateway.admin.query(
    `update invitations set expires_at = now() - interval '1 s' where id = $1`,
    [late.id],
  );
  const used = await invited(anAddress());
  await accept(used.token, { name: 'Siti', password });
  const unknown = 'A'.repeat(43);

  for (const { token } of [revoked, late, used]) {
    expect(telling(await preview(token))).toEqual(telling(await preview(unknown)));
    const more = { name: 'Siti', password };
    expect(telling(await accept(token, more))).toEqual(telling(await accept(unknown, more)));
  }
  expect(await accept(unknown)).toMatchObject(notUsable);
});

test('an invitation is good for seven days', async () => {
  const { id } = await invited(anAddress());

  const { rows } = await gateway.admin.query(
    `select expires_at - now() as left from invitations where id = $1 and expires_at
      between now() + interval '6 days 23 hours' and now() + interval '7 days'`,
    [id],
  );

  expect(rows).toHaveLength(1);
});

test('an invitation for another address is refused, and stays open for its own', async () => {
  const guest = await people.user();
  const other = await people.user();
  const { token } = await invited(guest.email);

  expect(await other.post('/api/auth/invitations/accept', { token })).toMatchObject({
    status: 403,
    body: { code: 'invitation-for-another' },
  });
  expect((await guest.post('/api/auth/invitations/accept', { token })).status).toBe(200);
});

test('whoever has an account signs in to accept: the token alone sets no password', async () => {
  const person = await people.user();
  const { token } = await invited(person.email);

  expect(await accept(token, { name: 'Mallory', password })).toMatchObject({
    status: 401,
    body: { code: 'credentials-required' },
  });
  expect(await merchant.rows('memberships')).toHaveLength(1);
});

test('an account that somebody made with an address that is not his goes to whom it is', async () => {
  const squatter = await people.user({ isVerified: false, name: 'Mallory' });
  const { token } = await invited(squatter.email);
  expect((await preview(token)).body.invitation).toMatchObject({ hasAccount: false });

  expect((await accept(token, { name: 'Siti', password })).status).toBe(200);

  const { rows } = await gateway.admin.query(
    'select name, email_verified from identity.users where email = $1',
    [squatter.email],
  );
  expect(rows).toEqual([{ name: 'Siti', email_verified: true }]);
  const signIn = await desk.post('/api/auth/sign-in', { email: squatter.email, password });
  expect(signIn.status).toBe(200);
});

test.each([
  [{}, 'invalid-request'],
  [{ name: 'Siti' }, 'invalid-request'],
  [{ password }, 'invalid-request'],
  [{ name: 'Siti', password: 'too short' }, 'invalid-request'],
  [{ name: 'Siti', password: 'password1234' }, 'password-weak'],
])('a new account wants a name and a good password: %o is %s', async (choice, code) => {
  const { token } = await invited(anAddress());

  expect(await accept(token, choice)).toMatchObject({ status: 400, body: { code } });
  expect((await accept(token, { name: 'Siti', password })).status).toBe(200);
});

test('sending an invitation again makes another token, and the one before dies at once', async () => {
  const email = anAddress();
  const { id, token } = await invited(email);

  const answer = await owner.post(`/admin/team/invitations/${id}/resend`);

  expect(answer.status).toBe(200);
  expect(await preview(token)).toMatchObject(notUsable);
  const next = await desk.tokenFor(email);
  expect(next).not.toBe(token);
  expect((await preview(next)).status).toBe(200);
  expect(await people.actionsOf(merchant.id)).toEqual(['invitation.sent', 'invitation.renewed']);
});

test('an outdated invitation is good again when it is sent again', async () => {
  const email = anAddress();
  const { id } = await invited(email);
  await gateway.admin.query(
    `update invitations set expires_at = now() - interval '1 s' where id = $1`,
    [id],
  );

  await owner.post(`/admin/team/invitations/${id}/resend`);

  expect((await preview(await desk.tokenFor(email))).status).toBe(200);
});

test('an invitation that was revoked before its mail is not mailed', async () => {
  const id = await invite(anAddress());
  await owner.delete(`/admin/team/invitations/${id}`);

  expect(await desk.deliver()).toEqual([]);
});

test('a member, and whoever is invited, is not invited again', async () => {
  const member = await people.member(merchant, 'viewer');
  const email = anAddress();
  await invite(email);

  expect(
    await owner.post('/admin/team/invitations', { email: member.email, role: 'admin' }),
  ).toMatchObject({ status: 409, body: { code: 'member-exists' } });
  expect(await owner.post('/admin/team/invitations', { email, role: 'admin' })).toMatchObject({
    status: 409,
    body: { code: 'invitation-open' },
  });
});

test('not more than fifty invitations are open at a time', async () => {
  await gateway.admin.query(
    `insert into invitations (tenant_id, email, role, invited_by)
     select $1, 'guest-' || n || '@people.example', 'viewer', $2 from generate_series(1, 50) n`,
    [merchant.id, owner.id],
  );

  expect(
    await owner.post('/admin/team/invitations', { email: anAddress(), role: 'viewer' }),
  ).toMatchObject({ status: 409, body: { code: 'too-many-invitations' } });
});

test('inviting goes on for so long, and then not on that day', async () => {
  const strict = await startGateway({ RATE_LIMITS: 'on' });
  const others = openPeople(strict);
  const shop = await strict.merchant();
  const boss = await others.member(shop, 'owner');

  let answer = await boss.post('/admin/team/invitations', { email: boss.email, role: 'viewer' });
  let sent = 1;
  for (; answer.status === 409 && sent < 60; sent += 1) {
    answer = await boss.post('/admin/team/invitations', { email: boss.email, role: 'viewer' });
  }
  await strict.close();

  expect(answer).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
  expect(sent).toBe(51);
});

test('an owner of another tenant learns of no invitation, and changes none', async () => {
  const stranger = await people.member(await gateway.merchant(), 'owner');
  const id = await invite(anAddress());
  const asks = [
    (of: string) => stranger.delete(`/admin/team/invitations/${of}`),
    (of: string) => stranger.post(`/admin/team/invitations/${of}/resend`),
  ];
  const before = await merchant.rows('invitations');

  for (const ask of asks) {
    const theirs = await ask(id);
    expect(theirs).toMatchObject({ status: 404, body: { code: 'invitation-not-found' } });
    expect(telling(theirs)).toEqual(telling(await ask(randomUUID())));
  }
  expect(await merchant.rows('invitations')).toEqual(before);
});

test('who came in another way meanwhile keeps the role that was given there', async () => {
  const person = await people.user();
  const { token } = await invited(person.email, 'viewer');
  await people.join(person, merchant, 'finance');

  const answer = await person.post('/api/auth/invitations/accept', { token });

  expect(answer.body).toEqual({ success: true, tenant: merchant.slug, role: 'finance' });
});

test('an operator invites the first owner, and again without making a second invitation', async () => {
  const shop = await gateway.merchant();
  const tenant = await gateway.tenantOf(shop.slug);
  const origin: Origin = {
    actor: { kind: 'operator', id: undefined, label: 'kassa owner invite' },
    requestId: 'request-1',
    address: undefined,
  };
  const email = anAddress();
  const ask = () => gateway.services.invitations.inviteOwner(tenant, email, origin);

  expect([await ask(), await ask()]).toEqual(['invited', 'renewed']);

  const token = await desk.tokenFor(email);
  const accepted = await accept(token, { name: 'Siti', password });
  expect(accepted.body).toEqual({ success: true, tenant: shop.slug, role: 'owner' });
  await expect(ask()).rejects.toMatchObject({ code: 'member-exists' });
  expect(await people.chain(shop.id)).toMatchObject([
    { action: 'invitation.sent', actor_id: null },
    { action: 'invitation.renewed' },
    { action: 'invitation.accepted' },
  ]);
});

test('an operator makes an owner of whoever was invited as something less', async () => {
  const email = anAddress();
  const { token } = await invited(email, 'viewer');
  const tenant = await gateway.tenantOf(merchant.slug);

  await gateway.services.invitations.inviteOwner(tenant, email, bySystem('test', 'request-1'));

  expect(await preview(token)).toMatchObject(notUsable);
  expect((await preview(await desk.tokenFor(email))).body).toMatchObject({
    invitation: { role: 'owner' },
  });
});
