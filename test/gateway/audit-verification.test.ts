import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { platformChain } from '../../src/domain/audit.ts';
import { byOperator } from '../../src/domain/caller.ts';
import { TenantId } from '../../src/domain/ids.ts';
import { append } from '../../src/repositories/audit-entries.ts';
import { run } from '../database/support/command.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { testMasterKeys } from '../support/master-keys.ts';

const entry = new URL('../../src/cli/kassa.ts', import.meta.url);
const count = 7;

let gateway: Gateway;
let merchant: Merchant;
let id: TenantId;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  // What an earlier test broke.
  await gateway.admin.query('truncate audit_entries, audit_heads');
  merchant = await gateway.merchant();
  id = TenantId.parse(merchant.id);
  for (let at = 1; at <= count; at += 1) await write(id, at);
});

afterAll(() => gateway.close());

async function write(chain: TenantId, at: number): Promise<void> {
  const event = {
    action: 'stats.rebuilt',
    subject: { kind: 'test', id: `subject ${at}` },
    before: { at: at - 1 },
    after: { at },
  } as const;
  const origin = { ...byOperator('ops', `request-${at}`), address: '192.0.2.1' };
  await gateway.wiring.db.withPlatform((tx) => append(tx, chain, origin, event));
}

async function verify(noted?: { seq: bigint; hash: Buffer }) {
  return gateway.services.auditVerification.verify(id, { noted });
}

/** As somebody does who has the database, and no scruples. */
async function tamper(sql: string): Promise<void> {
  await gateway.admin.query(sql.replaceAll(':chain', `tenant_id = '${id}'`));
}

function kassa(...words: string[]) {
  const { app, platform, worker } = gateway.database;
  const environment = {
    DATABASE_URL: app,
    DATABASE_PLATFORM_URL: platform,
    DATABASE_WORKER_URL: worker,
    MIDTRANS_BASE_URL: gateway.midtrans.url,
    MASTER_KEYS: testMasterKeys,
    SESSION_SECRET: gateway.sessionSecret,
  };
  return run(entry, environment, ['audit', 'verify', ...words]);
}

test('a chain that nobody touched is whole, and its head can be noted', async () => {
  const { head, fault } = await verify();

  expect(fault).toBeUndefined();
  expect(head.seq).toBe(7n);
  await write(id, 8);
  expect(await verify(head)).toMatchObject({ fault: undefined, head: { seq: 8n } });
});

const alterations = {
  at: `at + interval '1 microsecond'`,
  action: `'refund.requested'`,
  actor_kind: `'system'`,
  actor_id: `'somebody else'`,
  actor_label: `'somebody else'`,
  subject_kind: `'order'`,
  subject_id: `'another subject'`,
  before: `null`,
  after: `after || ' '`,
  request_id: `'another request'`,
  address: `null`,
  previous_hash: `sha256('x')`,
  hash: `sha256('x')`,
  seq: `seq + 100`,
  tenant_id: `'00000000-0000-4000-8000-00000000dead'`,
};

test('the list of columns that are altered here is that of the table', async () => {
  const { rows } = await gateway.admin.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_name = 'audit_entries'`,
  );

  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(alterations).sort());
});

const places = [1, 4, count];
const altered = Object.entries(alterations).flatMap(([column, value]) =>
  places.map((seq) => [column, seq, value] as const),
);

test.each(altered)('an altered %s of entry %i shows', async (column, seq, value) => {
  await tamper(`update audit_entries set ${column} = ${value} where :chain and seq = ${seq}`);

  const { fault, head } = await verify();

  expect(fault ?? 'no fault').toMatch(new RegExp(`^entry ${seq} `));
  expect(head.seq).toBe(BigInt(seq - 1));
});

test.each(places)('a deleted entry %i shows', async (seq) => {
  await tamper(`delete from audit_entries where :chain and seq = ${seq}`);

  expect((await verify()).fault).toBe(`entry ${seq} is missing`);
});

test('an entry that was taken out and the gap closed shows', async () => {
  await tamper(`delete from audit_entries where :chain and seq = 4`);
  for (const seq of [5, 6, 7]) {
    await tamper(`update audit_entries set seq = seq - 1 where :chain and seq = ${seq}`);
  }
  await tamper(`update audit_heads set seq = 6 where :chain`);

  expect((await verify()).fault).toBe('entry 4 does not follow the one before it');
});

test('two entries that changed places show', async () => {
  await tamper(`update audit_entries set seq = 100 where :chain and seq = 3`);
  await tamper(`update audit_entries set seq = 3 where :chain and seq = 4`);
  await tamper(`update audit_entries set seq = 4 where :chain and seq = 100`);

  expect((await verify()).fault).toBe('entry 3 does not follow the one before it');
});

const forge = (seq: number) => `
  insert into audit_entries (tenant_id, seq, at, action, actor_kind, actor_label, subject_kind,
                             subject_id, request_id, previous_hash, hash)
  select tenant_id, ${seq}, at, action, actor_kind, 'forger', subject_kind, subject_id, request_id,
         hash, sha256('forged')
    from audit_entries where :chain and seq = ${count}`;

test('a forged entry shows, beyond the end and with the end moved to it', async () => {
  await tamper(forge(8));
  expect((await verify()).fault).toBe("entry 8 is beyond the chain's end at 7");

  await tamper(`update audit_heads set seq = 8, hash = sha256('forged') where :chain`);
  expect((await verify()).fault).toBe('entry 8 was altered');
});

test('an end that was moved, doubled or taken away shows', async () => {
  await tamper(`update audit_heads set hash = sha256('x') where :chain`);
  expect((await verify()).fault).toBe("the chain's end is not the hash of entry 7");

  await tamper(`update audit_heads set seq = 9 where :chain`);
  expect((await verify()).fault).toBe('entry 8 is missing');

  await tamper(`insert into audit_heads (tenant_id, seq, hash) values ('${id}', 10, sha256('x'))`);
  expect((await verify()).fault).toBe('the chain has more than one end');

  await tamper(`delete from audit_heads where :chain`);
  expect((await verify()).fault).toBe("entry 7 is beyond the chain's end at 0");
});

/** The last entries are gone, and the end says so. */
async function cutTail(seq: number): Promise<void> {
  await tamper(`update audit_heads h set seq = ${seq}, hash = e.hash from audit_entries e
    where h.:chain and e.tenant_id = h.tenant_id and e.seq = ${seq}`);
  await tamper(`delete from audit_entries where :chain and seq > ${seq}`);
}

test('a tail that was cut off together with its end shows only to who noted the end', async () => {
  const { head } = await verify();

  await cutTail(5);

  expect(await verify()).toMatchObject({ fault: undefined, head: { seq: 5n } });
  expect((await verify(head)).fault).toBe('the chain ends at entry 5, but entry 7 was noted');
});

test('a tail that was cut off and grew again is not the one that was noted', async () => {
  const { head } = await verify();
  await cutTail(5);
  for (const at of [6, 7, 8]) await write(id, at);

  expect((await verify()).fault).toBeUndefined();
  expect((await verify(head)).fault).toBe('entry 7 is not the one that was noted');
});

test('a chain of more entries than a page is verified to its end', async () => {
  await gateway.wiring.db.withPlatform(async (tx) => {
    const event = { action: 'stats.rebuilt', subject: { kind: 'test', id: 'many' } } as const;
    for (let at = 0; at < 1_100; at += 1) await append(tx, id, byOperator('ops', 'many'), event);
  });
  expect(await verify()).toMatchObject({ fault: undefined, head: { seq: 1_107n } });

  await tamper(`update audit_entries set actor_label = 'x' where :chain and seq = 1050`);
  expect((await verify()).fault).toBe('entry 1050 was altered');
});

test('a chain that grows while it is verified is whole', async () => {
  const growing = (async () => {
    for (let at = 8; at < 60; at += 1) await write(id, at);
  })();
  const faults: unknown[] = [];
  for (let at = 0; at < 20; at += 1) faults.push((await verify()).fault);
  await growing;

  expect(faults.every((fault) => fault === undefined)).toBe(true);
});

test('kassa audit verify names every chain, those of nobody any more too, and the faulty one', async () => {
  const gone = TenantId.parse('00000000-0000-4000-8000-0000000090e5');
  await write(gone, 1);
  await write(platformChain, 1);

  const clean = await kassa();
  await tamper(`update audit_entries set actor_label = 'x' where :chain and seq = 2`);
  const damaged = await kassa();

  const head = '[0-9a-f]{64}';
  expect(clean.code).toBe(0);
  expect(clean.output).toMatch(new RegExp(`^${merchant.slug}: 7 entries, head 7:${head}$`, 'm'));
  expect(clean.output).toMatch(new RegExp(`^${gone} \\(gone\\): 1 entries, head 1:${head}$`, 'm'));
  expect(clean.output).toMatch(/^platform \(00000000-[0-]+\): \d+ entries, head \d+:/m);
  expect(clean.output).toMatch(/\d+ chains verified, 0 with a fault\n$/);
  expect(damaged.code).toBe(1);
  expect(damaged.output).toContain(`${merchant.slug}: FAULT: entry 2 was altered\n`);
  expect(damaged.output).toMatch(/, 1 with a fault\n$/);
});

test('kassa audit verify --expect finds what was cut off', async () => {
  const before = await kassa('--tenant', merchant.slug);
  const noted = /head (7:[0-9a-f]{64})/.exec(before.output)?.[1] ?? '';
  const same = await kassa('--tenant', merchant.slug, '--expect', noted);
  await cutTail(6);
  const unaware = await kassa('--tenant', merchant.slug);
  const aware = await kassa('--tenant', id, '--expect', noted);

  expect([before.code, same.code, unaware.code, aware.code]).toEqual([0, 0, 0, 1]);
  expect(aware.output).toContain('FAULT: the chain ends at entry 6, but entry 7 was noted');
});

test.each([
  [['--tenant', 'nobody'], 'There is no tenant nobody.'],
  [['--tenant', 'shop', '--expect', 'x'], 'It must be seq:hash'],
  [['--expect', `1:${'0'.repeat(64)}`], 'Say with --tenant whose end is expected.'],
])('kassa audit verify %j says what is wrong', async (words, message) => {
  const answer = await kassa(...words);

  expect(answer.code).toBe(1);
  expect(answer.output).toContain(message);
});
