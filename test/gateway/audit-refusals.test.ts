import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { platformChain } from '../../src/domain/audit.ts';
import { bySystem } from '../../src/domain/caller.ts';
import { TenantId } from '../../src/domain/ids.ts';
import { Problem } from '../../src/domain/problems.ts';
import { createRefusals } from '../../src/services/refusals.ts';
import { aKey, anonymous, aUser, startAppForCallers } from '../support/callers.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

type Entry = {
  readonly actor_label: string;
  readonly subject_id: string;
  readonly after: string;
  readonly request_id: string;
  readonly address: string | null;
};

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
  await gateway.admin.query('truncate audit_entries, audit_heads');
});

afterAll(async () => {
  await app.close();
  await gateway.close();
});

async function entriesOf(chain: TenantId): Promise<Entry[]> {
  const { rows } = await gateway.admin.query<Entry>(
    `select * from audit_entries where tenant_id = $1 and action = 'request.refused' order by seq`,
    [chain],
  );
  return rows;
}

test('a key that is refused is in the shop’s audit log, once the answer is out', async () => {
  const key = aKey({ tenantId: id, scopes: ['orders:read'] });

  const answer = await app.send(key, '/admin/stats');

  expect(answer.status).toBe(403);
  await expect.poll(() => entriesOf(id)).toHaveLength(1);
  expect(await entriesOf(id)).toMatchObject([
    {
      actor_kind: 'key',
      actor_id: key.keyId,
      actor_label: key.prefix,
      subject_kind: 'route',
      subject_id: 'GET /admin/stats',
      after: '{"code":"not-allowed"}',
      request_id: answer.headers.get('X-Request-Id'),
      address: '127.0.0.1',
    },
  ]);
});

const someOrder = '/admin/orders/ORDER-4711/refunds';

test.each([
  ['a stranger', aUser(), 'GET', '/admin/stats', 'tenant-not-found'],
  ['a member without the right', aUser({ tenantRole: 'viewer' }), 'POST', someOrder, 'not-allowed'],
  [
    'an owner who owes a second factor',
    aUser({ tenantRole: 'owner', owesSecondFactor: true }),
    'HEAD',
    '/admin/stats',
    'second-factor-required',
  ],
] as const)(
  '%s who is refused is in the shop’s audit log',
  async (_who, user, method, path, code) => {
    await app.send(user, `${path}?tenant=${merchant.slug}`, { method });

    await expect.poll(() => entriesOf(id)).toHaveLength(1);
    const [entry] = await entriesOf(id);
    expect(entry).toMatchObject({ actor_label: user.email, after: JSON.stringify({ code }) });
    // What was asked about may be anything that somebody typed.
    expect(entry?.subject_id).toMatch(
      /^(GET \/admin\/stats|POST \/admin\/orders\/:orderId\/refunds)$/,
    );
  },
);

test('who is refused by the platform is in the platform’s', async () => {
  const user = aUser({ tenantRole: 'owner' });

  await app.send(user, `/api/superadmin/audit?tenant=${merchant.slug}`);
  await app.send(user, '/admin/audit?limit=1');
  await app.send(aUser(), '/admin/audit');

  await expect.poll(() => entriesOf(platformChain)).toHaveLength(1);
  expect((await entriesOf(platformChain)).map((entry) => entry.subject_id)).toEqual([
    'GET /api/superadmin/audit',
  ]);
  expect(await entriesOf(id)).toEqual([]);
});

test('what a rule refuses, and not the door, is noted with an Idempotency-Key and without', async () => {
  const request = async () => {
    throw new Problem('not-allowed', 'Not as much as that.');
  };
  const strict = await startAppForCallers({
    ...gateway.services,
    refunds: { ...gateway.services.refunds, request },
  });
  const body = { reason: 'broken' };
  for (const key of [undefined, 'first', 'first']) {
    const caller = aKey({ tenantId: id, scopes: ['refunds:write'] });
    const sent = { method: 'POST', body, ...(key && { key }) };
    expect((await strict.send(caller, someOrder, sent)).status).toBe(403);
  }
  // The server is closed: whatever it wanted to note has been noted.
  await strict.close();
  await gateway.services.refusals.settle();

  expect(await entriesOf(id)).toHaveLength(3);
});

test('a shop that is closed refuses its own key, and notes it', async () => {
  await gateway.admin.query(`update tenants set status = 'inactive' where id = $1`, [id]);
  const key = aKey({ tenantId: id, scopes: ['reports:read'] });

  const answer = await app.send(key, '/admin/stats');

  expect(answer.body.code).toBe('tenant-inactive');
  await expect.poll(() => entriesOf(id)).toHaveLength(1);
});

test('what is no refusal of rights is not noted: not allowed to nobody, not found, not right', async () => {
  const key = aKey({ tenantId: id, scopes: ['orders:read', 'orders:write', 'payments:create'] });

  expect((await app.send(anonymous, `/admin/stats?tenant=${merchant.slug}`)).status).toBe(401);
  expect((await app.send(key, '/admin/orders/NONE/refunds')).status).toBe(404);
  expect((await app.send(key, '/admin/nothing')).status).toBe(404);
  expect((await app.send(key, '/admin/orders/O/cancel', { method: 'POST', body: {} })).status).toBe(
    400,
  );
  // A shop window is open to everybody; only what its keys ask of it is refused.
  const pages = aKey({ tenantId: id, type: 'publishable', scopes: [] });
  expect((await app.send(pages, '/orders/O/status')).status).toBe(403);
  await app.send(key, '/admin/stats');

  await expect.poll(() => entriesOf(id)).toHaveLength(1);
  expect((await entriesOf(id))[0]).toMatchObject({ subject_id: 'GET /admin/stats' });
});

test('a database that cannot take the entry changes nothing for who is refused', async () => {
  await gateway.admin.query(
    `alter table audit_entries add constraint broken check (tenant_id <> '${id}')`,
  );
  const key = aKey({ tenantId: id, scopes: [] });

  const answer = await app.send(key, '/admin/stats');
  await gateway.services.refusals.settle();

  expect(answer.status).toBe(403);
  await expect
    .poll(() => gateway.logLines.some((line) => line.includes('a refusal was not audited')))
    .toBe(true);
  await gateway.admin.query('alter table audit_entries drop constraint broken');
});

/** Refusals under a clock that stands still. */
function startRefusals() {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  const clock = { now: 1_000_000 };
  const refusals = createRefusals({ db: gateway.wiring.db, log, now: () => clock.now });
  const refuse = (who: string, route = 'GET /admin/stats') =>
    refusals.note({ chain: id, origin: bySystem(who, 'r'), route, code: 'not-allowed' });
  return { refusals, refuse, clock, lines };
}

test('one who tries again and again is one entry a minute, and the next one counts the tries', async () => {
  const { refusals, refuse, clock } = startRefusals();

  for (let tries = 0; tries < 1_000; tries += 1) refuse('mallory');
  await refusals.settle();
  clock.now += 59_999;
  refuse('mallory');
  clock.now += 1;
  refuse('mallory');
  await refusals.settle();

  expect((await entriesOf(id)).map(({ after }) => JSON.parse(after))).toEqual([
    { code: 'not-allowed' },
    { code: 'not-allowed', unlisted: 1_000 },
  ]);
});

test('another actor, route or code is another entry', async () => {
  const { refusals, refuse } = startRefusals();

  refuse('mallory');
  refuse('mallory', 'GET /admin/customers');
  refuse('trudy');
  const origin = bySystem('trudy', 'r');
  const code = 'second-factor-required';
  refusals.note({ chain: id, origin, route: 'GET /admin/stats', code });
  await refusals.settle();

  expect(await entriesOf(id)).toHaveLength(4);
});

test('a chain gets thirty entries a minute, whoever is refused', async () => {
  const { refusals, refuse, clock } = startRefusals();

  for (let who = 0; who < 100; who += 1) {
    refuse(`user ${who}`);
    await refusals.settle();
  }
  expect(await entriesOf(id)).toHaveLength(30);
  clock.now += 60_000;
  refuse('user 0');
  await refusals.settle();

  const all = await entriesOf(id);
  expect(all).toHaveLength(31);
  expect(JSON.parse(all[30]?.after ?? '')).toEqual({ code: 'not-allowed', unlisted: 70 });
});

test('a flood opens no more than twenty transactions at once, and loses no count', async () => {
  const { refusals, refuse, clock } = startRefusals();

  for (let who = 0; who < 25; who += 1) refuse(`user ${who}`);
  await refusals.settle();
  clock.now += 60_000;
  refuse('user 0');
  await refusals.settle();

  const all = await entriesOf(id);
  expect(all).toHaveLength(21);
  expect(JSON.parse(all[20]?.after ?? '')).toEqual({ code: 'not-allowed', unlisted: 5 });
});

test('what could not be written is counted into the next entry', async () => {
  const { refusals, refuse, clock } = startRefusals();
  await gateway.admin.query(
    `alter table audit_entries add constraint broken check (tenant_id <> '${id}')`,
  );
  refuse('mallory');
  await refusals.settle();
  await gateway.admin.query('alter table audit_entries drop constraint broken');

  clock.now += 60_000;
  refuse('mallory');
  await refusals.settle();

  expect((await entriesOf(id)).map(({ after }) => JSON.parse(after))).toEqual([
    { code: 'not-allowed', unlisted: 1 },
  ]);
});

test('refusals of nobody known are counted, and logged once a minute', async () => {
  const { refusals, clock, lines } = startRefusals();

  for (let tries = 0; tries < 500; tries += 1) refusals.count('key-invalid');
  refusals.count('credentials-required');
  expect(lines).toEqual([]);
  clock.now += 60_000;
  refusals.count('key-invalid');
  refusals.count('key-invalid');

  expect(lines.map((line) => JSON.parse(line).refused)).toEqual([
    { 'key-invalid': 501, 'credentials-required': 1 },
  ]);
  expect(await entriesOf(id)).toEqual([]);
});
