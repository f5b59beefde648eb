import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AuditEntryView, AuditReply } from '../../src/contracts/audit.ts';
import { toCursor } from '../../src/contracts/pages.ts';
import { type AuditAction, platformChain } from '../../src/domain/audit.ts';
import { byOperator } from '../../src/domain/caller.ts';
import { TenantId } from '../../src/domain/ids.ts';
import { append } from '../../src/repositories/audit-entries.ts';
import { aKey, anonymous, aUser, startAppForCallers } from '../support/callers.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let app: Awaited<ReturnType<typeof startAppForCallers>>;
let merchant: Merchant;
let id: TenantId;

beforeAll(async () => {
  gateway = await startGateway();
  app = await startAppForCallers(gateway.services);
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  id = TenantId.parse(merchant.id);
});

afterAll(async () => {
  await app.close();
  await gateway.close();
});

const owner = aUser({ tenantRole: 'owner' });
const support = aUser({ platformRole: 'support' });

async function write(chain: TenantId, label: string, action: AuditAction = 'stats.rebuilt') {
  const event = { action, subject: { kind: 'test', id: label }, after: { label } };
  await gateway.wiring.db.withPlatform((tx) => append(tx, chain, byOperator(label, 'r'), event));
}

async function read(query = ''): Promise<AuditReply> {
  const answer = await app.send(owner, `/admin/audit?tenant=${merchant.slug}${query}`);
  expect(answer.status).toBe(200);
  return AuditReply.parse(answer.body);
}

const subjectsOf = ({ entries }: AuditReply) => entries.map(({ subject }) => subject.id);

test('an owner reads who did what, newest first', async () => {
  await write(id, 'ayu');
  await write(id, 'budi');

  const { entries, next } = await read();

  expect(next).toBeNull();
  expect(entries).toEqual<AuditEntryView[]>([
    expect.objectContaining({ seq: 2 }),
    {
      seq: 1,
      at: expect.any(String),
      action: 'stats.rebuilt',
      actor: { kind: 'operator', id: null, label: 'ayu' },
      subject: { kind: 'test', id: 'ayu' },
      before: null,
      after: { label: 'ayu' },
      requestId: 'r',
      address: null,
    },
  ]);
});

test('it is read a page at a time', async () => {
  for (const label of ['1', '2', '3', '4', '5']) await write(id, label);

  const first = await read('&limit=2');
  const second = await read(`&limit=2&cursor=${first.next}`);
  const third = await read(`&limit=2&cursor=${second.next}`);

  expect([first, second, third].map(subjectsOf)).toEqual([['5', '4'], ['3', '2'], ['1']]);
  expect(third.next).toBeNull();
});

test('it is filtered by action, actor and time', async () => {
  await write(id, 'ayu', 'order.cancelled');
  await write(id, 'budi', 'order.cancelled');
  await write(id, 'ayu');
  const [, middle] = (await read()).entries;
  const at = encodeURIComponent(middle?.at ?? '');
  await gateway.admin.query(
    `update audit_entries set at = at + (seq - 2) * interval '1 hour' where tenant_id = $1`,
    [id],
  );

  expect(subjectsOf(await read('&action=order.cancelled'))).toEqual(['budi', 'ayu']);
  expect(subjectsOf(await read('&actor=ayu'))).toEqual(['ayu', 'ayu']);
  expect(subjectsOf(await read('&actor=ayu&action=order.cancelled'))).toEqual(['ayu']);
  expect(subjectsOf(await read('&actor=nobody'))).toEqual([]);
  expect(subjectsOf(await read(`&from=${at}`))).toEqual(['ayu', 'budi']);
  expect(subjectsOf(await read(`&to=${at}`))).toEqual(['ayu']);
  expect(subjectsOf(await read(`&from=${at}&to=${at}`))).toEqual([]);
});

test('an actor is found by the id, too', async () => {
  const desk = aKey({ tenantId: id, scopes: ['reconciliations:write'] });
  const body = { from: '2026-01-01', to: '2026-01-02' };
  await app.send(desk, '/admin/reconciliations', { method: 'POST', body });

  expect((await read(`&actor=${desk.keyId}`)).entries).toMatchObject([
    { action: 'reconciliation.started', actor: { id: desk.keyId, label: desk.prefix } },
  ]);
});

test.each([
  'limit=0',
  'limit=101',
  'cursor=x',
  `cursor=${toCursor('0')}`,
  `cursor=${toCursor('9'.repeat(19))}`,
  `cursor=${toCursor({ seq: 1 })}`,
  'action=everything',
  'actor=',
  'actor=a%00b',
  `actor=${'x'.repeat(321)}`,
  'from=yesterday',
  'to=2026-01-01',
  'order=1',
])('what cannot be asked for is refused: %s', async (query) => {
  const answer = await app.send(owner, `/admin/audit?tenant=${merchant.slug}&${query}`);

  expect(answer.status).toBe(400);
  expect(answer.body.code).toBe('invalid-request');
});

test('an entry that somebody broke does not hide the others', async () => {
  for (const label of ['1', '2', '3']) await write(id, label);
  const broken = `update audit_entries set after = $2, before = '7' where tenant_id = $1 and seq = 2`;
  await gateway.admin.query(broken, [id, '{"half']);

  const { entries } = await read();

  expect(entries).toMatchObject([{ seq: 3 }, { after: { unreadable: '{"half' } }, { seq: 1 }]);
});

test('owners see nothing of another shop, and the platform’s entries are not theirs', async () => {
  const other = await gateway.merchant();
  await write(TenantId.parse(other.id), 'other');
  await write(platformChain, 'platform');
  await write(id, 'own');

  expect(subjectsOf(await read())).toEqual(['own']);
  expect(subjectsOf(await read(`&cursor=${toCursor('999')}`))).toEqual(['own']);
});

test.each([
  ['nobody known', anonymous, 401],
  ['a stranger', aUser(), 404],
  ['an admin of the shop', aUser({ tenantRole: 'admin' }), 403],
  ['staff that was let in', aUser({ tenantRole: 'granted' }), 403],
  ['an owner, of the platform’s', owner, 403],
] as const)('%s does not read it', async (who, caller, status) => {
  const path = who.endsWith('platform’s') ? '/api/superadmin/audit' : '/admin/audit';

  expect((await app.send(caller, `${path}?tenant=${merchant.slug}`)).status).toBe(status);
});

async function grant(): Promise<void> {
  await gateway.admin.query(
    `insert into support_grants (tenant_id, user_id, reason, expires_at)
     values ($1, $2, 'The merchant asked us to look.', now() + interval '1 hour')`,
    [id, support.userId],
  );
}

test('platform staff reads the platform’s entries, and by a grant those of a shop', async () => {
  await write(platformChain, 'of the platform');
  await write(id, 'of the shop');
  await grant();
  await gateway.admin.query(`update tenants set status = 'inactive' where id = $1`, [id]);

  const platform = await app.send(support, '/api/superadmin/audit?limit=1');
  const shop = await app.send(support, `/api/superadmin/audit?tenant=${merchant.slug}`);
  const nobody = await app.send(support, '/api/superadmin/audit?tenant=nobody-here');

  expect(subjectsOf(AuditReply.parse(platform.body))).toEqual(['of the platform']);
  // That staff was there is the first thing that it reads.
  expect(AuditReply.parse(shop.body).entries).toMatchObject([
    { action: 'support-grant.used', actor: { id: support.userId } },
    { subject: { id: 'of the shop' } },
  ]);
  expect(nobody.status).toBe(404);
});

test.each(['support', 'superadmin'] as const)(
  'without a grant %s reads nothing of a shop, and that it tried is written down',
  async (platformRole) => {
    await write(id, 'of the shop');
    const staff = aUser({ platformRole });

    const answer = await app.send(staff, `/api/superadmin/audit?tenant=${merchant.slug}`);

    expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
    await gateway.wiring.services.refusals.settle();
    const refusals = await gateway.admin.query(
      `select after from audit_entries where actor_id = $1 and action = 'request.refused'`,
      [staff.userId],
    );
    expect(refusals.rows).toEqual([{ after: '{"code":"not-allowed"}' }]);
  },
);
