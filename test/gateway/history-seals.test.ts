import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { TenantId } from '../../src/domain/ids.ts';
import { createHistorySeals } from '../../src/services/history-seals.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let merchant: Merchant;
let id: TenantId;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  id = TenantId.parse(merchant.id);
});

afterAll(() => gateway.close());

/** An order that was paid that long ago. */
async function paidOrder(ago: string): Promise<void> {
  const order = anOrder();
  await merchant.create(order);
  await merchant.tell(order.orderId);
  await gateway.admin.query(
    `update order_events set created_at = created_at - $3::interval
      where tenant_id = $1 and order_id = (select id from orders where tenant_id = $1 and order_id = $2)`,
    [merchant.id, order.orderId, ago],
  );
}

type Seal = { after: string | null; upTo: string; count: number; digest: string };

async function seals(): Promise<Seal[]> {
  const { rows } = await gateway.admin.query<{ after: string }>(
    `select after from audit_entries
      where tenant_id = $1 and action = 'order-events.sealed' order by seq`,
    [merchant.id],
  );
  return rows.map(({ after }) => JSON.parse(after));
}

const seal = () => gateway.services.historySeals.sealAll();
const lines = () => merchant.rows('order_events');
const faultNow = async () =>
  (await gateway.services.auditVerification.verify(id)).fault ?? 'no fault';

async function tamper(sql: string): Promise<void> {
  await gateway.admin.query(sql.replaceAll(':tenant', `tenant_id = '${id}'`));
}

test('the history is sealed a part at a time, each line once', async () => {
  await paidOrder('2 hours');
  const early = (await lines()).length;
  await seal();
  await paidOrder('1 hour');
  await seal();
  await seal();

  const [first, second, ...others] = await seals();

  expect(others).toEqual([]);
  expect(first).toMatchObject({ after: null, count: early });
  expect(second).toMatchObject({ after: first?.upTo, count: (await lines()).length - early });
  expect(await faultNow()).toBe('no fault');
});

test('what is a moment old is left for the next time', async () => {
  await paidOrder('0 s');

  await seal();

  expect(await seals()).toEqual([]);
});

test('nothing is sealed that an older transaction may still add to', async () => {
  const { db } = gateway.wiring;
  const { sealAll } = createHistorySeals({ db, log: pino({ level: 'silent' }), marginMs: 0 });
  let meanwhile: Seal[] | undefined;

  await db.withTenant(id, async (tx) => {
    await tx.query('select 1');
    await paidOrder('0 s');
    await sealAll();
    meanwhile = await seals();
  });
  await sealAll();

  expect(meanwhile).toEqual([]);
  expect(await seals()).toMatchObject([{ count: (await lines()).length }]);
});

test('two workers who seal at once make one seal', async () => {
  await paidOrder('1 hour');

  await Promise.all([seal(), seal(), seal()]);

  expect(await seals()).toHaveLength(1);
  expect(await faultNow()).toBe('no fault');
});

const alterations = {
  id: 'gen_random_uuid()',
  order_id: `(select id from orders o where o.tenant_id = e.tenant_id and o.id <> e.order_id limit 1)`,
  payment_id: `(select id from payments p where p.tenant_id = e.tenant_id and p.order_id <> e.order_id limit 1)`,
  kind: `'payment-started'`,
  source: `'api'`,
  from_status: `'creating'`,
  to_status: `'failed'`,
  reference: `'another transaction'`,
  detail: `'nothing'`,
  request_id: `'another request'`,
  created_at: `created_at + interval '1 microsecond'`,
};

test('the list of columns that are altered here is that of the history', async () => {
  const { rows } = await gateway.admin.query<{ name: string }>(
    `select column_name as name from information_schema.columns
      where table_name = 'order_events' and column_name <> 'tenant_id'`,
  );

  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(alterations).sort());
});

test.each(Object.entries(alterations))(
  'an altered %s of a sealed line shows',
  async (column, value) => {
    await paidOrder('1 hour');
    await paidOrder('1 hour');
    await seal();

    await tamper(`update order_events e set ${column} = ${value}
    where :tenant and id = (select id from order_events
      where :tenant and kind = 'payment-moved' and to_status = 'paid' order by id limit 1)`);

    expect(await faultNow()).toMatch(
      /^the orders' history from the beginning to .* is not what entry 1 sealed: /,
    );
  },
);

test('a sealed line that is gone shows, and one that was put in', async () => {
  await paidOrder('1 hour');
  await seal();
  const [line] = await merchant.rows<{ id: string }>('order_events');

  await tamper(`create table kept as select * from order_events where id = '${line?.id}'`);
  await tamper(`delete from order_events where :tenant and id = '${line?.id}'`);
  expect(await faultNow()).toMatch(/is not what entry 1 sealed/);
  await tamper(`insert into order_events select * from kept`);
  expect(await faultNow()).toBe('no fault');
  await tamper(`update kept set id = gen_random_uuid()`);
  await tamper(`insert into order_events select * from kept`);
  expect(await faultNow()).toMatch(/is not what entry 1 sealed/);
});

test('the money of one shop is not in the seal of another', async () => {
  const other = await gateway.merchant();
  await paidOrder('1 hour');

  await seal();

  expect(await other.rows('audit_entries')).toEqual([]);
});
