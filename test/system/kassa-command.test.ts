import { userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../database/support/command.ts';
import { browserIn, goodPassword, mailsOf, tokenIn } from '../support/accounts.ts';
import { aNotification, anOrder, type Gateway, startGateway } from '../support/gateway.ts';
import { processEnvironment } from '../support/process-environment.ts';

const entry = new URL('../../src/cli/kassa.ts', import.meta.url);

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.close());

const kassa = (...words: string[]) => kassaWith('', ...words);

function kassaWith(input: string, ...words: string[]) {
  const environment = {
    ...processEnvironment(gateway.database),
    MIDTRANS_BASE_URL: gateway.midtrans.url,
  };
  return run(entry, environment, words, input);
}

test('kassa ledger check says that all books agree, and which do not', async () => {
  const merchant = await gateway.merchant();
  await gateway.merchant();
  const order = anOrder();
  await merchant.create(order);
  const paid = aNotification({ order_id: order.orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);
  await merchant.notify(merchant.signed(paid));

  const clean = await kassa('ledger', 'check');
  await gateway.admin.query('update ledger_transfers set amount = 149999 where tenant_id = $1', [
    merchant.id,
  ]);
  const damaged = await kassa('ledger', 'check', '--tenant', merchant.slug);

  expect(clean).toMatchObject({ code: 0, output: '2 tenants checked, 0 differences\n' });
  expect(damaged.code).toBe(1);
  expect(damaged.output).toMatch(
    new RegExp(`${merchant.slug}: payment .*: captured should be 150000, but is 149999`),
  );
});

test('kassa stats rebuild finds nothing, and mends what somebody broke', async () => {
  const merchant = await gateway.merchant();
  await merchant.create(anOrder());
  const rebuild = (...words: string[]) =>
    kassa('stats', 'rebuild', '--tenant', merchant.slug, ...words);

  const clean = await rebuild();
  await gateway.admin.query('update daily_stats set amount = 1 where tenant_id = $1', [
    merchant.id,
  ]);
  const looked = await rebuild('--dry-run');
  const mended = await rebuild();
  const after = await rebuild();

  expect(clean).toMatchObject({ code: 0, output: '1 tenants rebuilt, 0 differences mended\n' });
  for (const { code, output } of [looked, mended]) {
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(`${merchant.slug}: .* pending bca_va: off by 0 orders, 149999, 0 refunded`),
    );
  }
  expect(after.code).toBe(0);
  expect(await merchant.rows('audit_entries')).toMatchObject([
    { action: 'stats.rebuilt', actor_kind: 'operator', actor_label: userInfo().username },
  ]);
});

/** The lines that were said, without the first, which has the days. */
const linesOf = ({ output }: { output: string }) => output.trimEnd().split('\n').slice(1);

test('kassa reconcile says what differed, what it mended, and what is left', async () => {
  const merchant = await gateway.merchant();
  const late = anOrder();
  const odd = anOrder();
  for (const order of [late, odd]) await merchant.create(order);
  const message = aNotification({ order_id: late.orderId });
  gateway.midtrans.setStatus(late.orderId, message);

  const repaired = await kassa('reconcile', '--tenant', merchant.slug);
  gateway.midtrans.setStatus(
    odd.orderId,
    aNotification({ order_id: odd.orderId, gross_amount: '1000.00' }),
  );
  const open = await kassa('reconcile', '--tenant', merchant.slug);

  expect(repaired.output).toMatch(new RegExp(`^${merchant.slug}, 20.+ to 20.+: done\n`));
  expect(linesOf(repaired)).toEqual([
    '2 payments compared, 0 questions unanswered',
    '2 differences: 2 repaired, 0 resolved, 0 open',
    `  ${late.orderId}  status: pending here, paid there; repaired by reconciliation`,
    `  ${late.orderId}  captured: IDR\u00a00 here, IDR\u00a0150,000 there; repaired by reconciliation`,
  ]);
  expect(repaired.code).toBe(0);
  expect(await merchant.rows('audit_entries')).toContainEqual(
    expect.objectContaining({ action: 'reconciliation.started', actor_kind: 'operator' }),
  );
  expect(linesOf(open)).toContain(
    `  ${odd.orderId}  amount: IDR\u00a0150,000 here, IDR\u00a01,000 there; open`,
  );
  expect(open.code).toBe(1);
});

test('kassa reconcile says what could not be asked', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());

  const silent = await kassa('reconcile', '--tenant', merchant.slug);
  gateway.midtrans.answerStatuses(undefined);

  expect(silent.output).toMatch(/: incomplete\n/);
  expect(linesOf(silent)[0]).toBe('0 payments compared, 1 questions unanswered');
  expect(silent.output).toContain(`\n  ${order.orderId}  unanswered: `);
  expect(silent.code).toBe(1);
});

test('kassa reconcile says why it refuses the days, or to begin', async () => {
  const merchant = await gateway.merchant();
  const reconcile = (...words: string[]) => kassa('reconcile', '--tenant', merchant.slug, ...words);

  const future = await reconcile('--from', '2026-01-01', '--to', '9999-01-01');
  const noDay = await reconcile('--from', 'yesterday');
  await gateway.services.nightlyReconciliations.beginAll(new Date());
  const busy = await reconcile();

  expect(future.output).toContain('--to must not be after today');
  expect(noDay.output).toContain('It must be a day, as 2026-01-31.');
  expect(busy.output).toContain('is being reconciled. Ask again when that has ended.');
  expect([future.code, noDay.code, busy.code]).toEqual([1, 1, 1]);
});

test.each([
  [['reconcile', '--tenant', 'nobody'], 'There is no tenant nobody.'],
  [['reconcile'], "required option '--tenant <slug>' not specified"],
  [['ledger', 'check', '--tenant', 'nobody'], 'There is no tenant nobody.'],
  [['ledger', 'chek'], 'unknown command'],
])('kassa %j says what is wrong', async (words, message) => {
  const answer = await kassa(...words);

  expect(answer.code).toBe(1);
  expect(answer.output).toContain(message);
});

test('without an environment the command says what to set', async () => {
  const answer = await run(entry, {}, ['ledger', 'check']);

  expect(answer.code).toBe(1);
  expect(answer.output).toContain('DATABASE_URL');
});

const create = ['admin', 'create', '--name', 'Åsa Lind', '--email'];

test('kassa admin create makes a superadmin with the password of the standard input', async () => {
  const made = await kassaWith(
    `${goodPassword}\n`,
    ...create,
    'Asa@Kassa.Example',
    '--password-stdin',
  );
  const browser = browserIn(gateway);
  const answer = await browser.post('/api/auth/sign-in', {
    email: 'asa@kassa.example',
    password: goodPassword,
  });

  expect(made).toMatchObject({
    code: 0,
    output: 'asa@kassa.example is superadmin now, and can sign in.\n',
  });
  expect(answer.status).toBe(200);
  // Outside of the demo nothing opens before the second factor.
  expect((await browser.get('/api/auth/session')).body).toMatchObject({
    platformRole: 'superadmin',
    secondFactor: { isOn: false, isOwed: true },
  });
  const { rows } = await gateway.admin.query(
    `select actor_kind, actor_label, after from audit_entries where action = 'staff.role-given'`,
  );
  expect(rows).toEqual([
    { actor_kind: 'operator', actor_label: 'kassa admin create', after: '{"role":"superadmin"}' },
  ]);
});

test('kassa admin create without a password has a link mailed, and no password is the default', async () => {
  const made = await kassa(...create, 'nils@kassa.example', '--role', 'support');
  const { rows } = await gateway.admin.query(
    `select from identity.accounts a join identity.users u on u.id = a.user_id
      where u.email = 'nils@kassa.example' and a.password is not null`,
  );
  expect(rows).toEqual([]);
  const [mail] = await mailsOf(gateway);
  const browser = browserIn(gateway);

  const set = await browser.post('/api/auth/password/reset', {
    token: tokenIn(mail),
    newPassword: goodPassword,
  });
  const answer = await browser.post('/api/auth/sign-in', {
    email: 'nils@kassa.example',
    password: goodPassword,
  });

  expect(made).toMatchObject({ code: 0 });
  expect(made.output).toContain('nils@kassa.example is support now. A link to choose a password');
  expect(mail).toMatchObject({ to: { address: 'nils@kassa.example' } });
  expect([set.status, answer.status]).toEqual([200, 200]);
});

test('kassa admin create gives a user who is there the role, and touches no password', async () => {
  await kassaWith(`${goodPassword}\n`, ...create, 'eva@kassa.example', '--password-stdin');

  const again = await kassaWith(
    'another four otters juggle\n',
    ...create,
    'eva@kassa.example',
    '--role',
    'viewer',
    '--password-stdin',
  );

  expect(again.code).toBe(0);
  expect(again.output).toContain('eva@kassa.example has an account, whose password stays as it is');
  expect(again.output).toContain('eva@kassa.example is viewer now');
  const browser = browserIn(gateway);
  const old = await browser.post('/api/auth/sign-in', {
    email: 'eva@kassa.example',
    password: goodPassword,
  });
  expect(old.status).toBe(200);
});

test.each([
  ['a weak password', 'password12345\n', [...create, 'a@kassa.example', '--password-stdin']],
  ['no password where one was announced', '', [...create, 'a@kassa.example', '--password-stdin']],
  ['no address', '', [...create, 'nobody']],
  ['a role that is none', '', [...create, 'a@kassa.example', '--role', 'owner']],
])('kassa admin create refuses %s', async (_what, input, words) => {
  const refused = await kassaWith(input, ...words);

  expect(refused.code).toBe(1);
  expect(refused.output).not.toContain('password12345');
  const { rows } = await gateway.admin.query(
    `select from identity.users where email = 'a@kassa.example'`,
  );
  expect(rows).toEqual([]);
});
