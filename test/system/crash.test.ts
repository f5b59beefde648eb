import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { anOrder } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { type HttpAnswer, send } from '../support/system.ts';
import { createTestDatabase, openAdminPool, type TestDatabase } from '../support/test-database.ts';

type Books = {
  tokens: { order_id: string; token: string; state: string }[];
  transactions: unknown[];
};

let database: TestDatabase;
let midtrans: MidtransEmulator;
let admin: pg.Pool;
let settings: Record<string, string>;
let server: KassaProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  admin = openAdminPool(database);
  await admin.query(
    `insert into tenants (slug, name, midtrans_server_key)
     values ('shop', 'Shop', 'SB-Mid-server-crash-test-key')`,
  );
  const [port] = await freePorts(1);
  settings = {
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    MIDTRANS_BASE_URL: midtrans.url,
    PROVIDER_TIMEOUT_MS: '1500',
  };
});

beforeEach(async () => {
  server = await startProcess('server', { database, settings });
});

afterAll(async () => {
  await server.kill('SIGTERM');
  await admin.end();
  await midtrans.close();
  await database.drop();
});

const create = (order: object): Promise<HttpAnswer> =>
  send(`${server.url}/payment/create?tenant=shop`, { body: order });

async function booksOf(orderId: string): Promise<Books['tokens']> {
  const answer = await send(`${midtrans.url}/_control/books`);
  const { tokens } = answer.body as unknown as Books;
  return tokens.filter(({ order_id }) => order_id === orderId);
}

async function pay(orderId: string): Promise<number> {
  const answer = await send(`${midtrans.url}/_control/orders/${orderId}/pay`, {
    body: { method: 'bca_va' },
  });
  return answer.status;
}

test('kill -9 between the provider call and the commit: one order, one token, one charge', async () => {
  const order = anOrder();
  // The page is made, and the answer never arrives: the server dies while it waits.
  await send(`${midtrans.url}/_control/faults`, {
    body: { kind: 'stall-after-effect', scope: 'snap' },
  });
  const lost = create(order).catch(() => 'cut');
  await expect.poll(async () => (await booksOf(order.orderId)).length).toBe(1);
  await server.kill('SIGKILL');
  expect(await lost).toBe('cut');
  server = await startProcess('server', { database, settings });

  const retried = await create(order);
  const again = await create(order);

  expect(retried.status).toBe(200);
  expect(again.body.token).toBe(retried.body.token);
  const open = (await booksOf(order.orderId)).filter(({ state }) => state === 'open');
  expect(open.map(({ token }) => token)).toEqual([retried.body.token]);
  expect(await pay(order.orderId)).toBe(200);
  expect(await pay(order.orderId)).toBe(409);
  await expect
    .poll(async () => {
      const url = `${server.url}/orders/${order.orderId}/status?tenant=shop`;
      return (await send(url)).body.order;
    })
    .toMatchObject({ status: 'paid' });
  const { rows } = await admin.query('select status from payments');
  expect(rows).toEqual([{ status: 'paid' }]);
  await server.kill('SIGTERM');
});

test('SIGTERM answers what is under way, then ends with 0', async () => {
  const order = anOrder();
  await send(`${midtrans.url}/_control/faults`, {
    body: { kind: 'delay', scope: 'snap', delayMs: 700 },
  });
  const underWay = create(order);
  await expect
    .poll(
      async () => (await admin.query(`select from payments where status = 'creating'`)).rowCount,
    )
    .toBe(1);

  const code = await server.kill('SIGTERM');

  expect((await underWay).status).toBe(200);
  expect(code).toBe(0);
});
