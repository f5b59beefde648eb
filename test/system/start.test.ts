import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anOrder } from '../support/gateway.ts';
import {
  makePlace,
  type Place,
  type Running,
  removePlace,
  send,
  spawnStart,
  start,
} from '../support/system.ts';

type Mail = { to: string; subject: string; text: string };

let place: Place;
let running: Running;

beforeAll(async () => {
  place = await makePlace();
  running = await start(place);
}, 60_000);

afterAll(async () => {
  if (running.child.exitCode === null) await running.stop();
  await removePlace(place);
});

async function stats(slug: string) {
  const key = running.tenants.find((tenant) => tenant.slug === slug)?.secretKey;
  const answer = await send(`${running.server}/admin/stats`, {
    headers: { Authorization: `Bearer ${key}` },
  });
  return answer.body.stats as unknown as { pending: number; paid: number; revenue: number };
}

const ways: [string, (slug: string) => { query: string; headers: Record<string, string> }][] = [
  ['subdomain', (slug) => ({ query: '', headers: { Host: `${slug}.localhost` } })],
  ['header', (slug) => ({ query: '', headers: { 'X-Tenant-Slug': slug } })],
  ['query', (slug) => ({ query: `?tenant=${slug}`, headers: {} })],
];

test.each(
  ways.flatMap(([way, name]) => ['buatfilm', 'goteborg'].map((slug) => ({ way, name, slug }))),
)(
  'by $way, $slug: create, open the page, pay, mail, status, statistics',
  async ({ name, slug }) => {
    const { query, headers } = name(slug);
    const before = await stats(slug);
    const order = anOrder({ email: `${crypto.randomUUID()}@shop.example` });

    const created = await send(`${running.server}/payment/create${query}`, {
      headers,
      body: order,
    });
    const page = await fetch(String(created.body.redirectUrl));
    const html = await page.text();
    const paid = await send(`${running.midtrans}/_control/orders/${order.orderId}/pay`, {
      body: { method: 'bca_va' },
    });

    expect(created.status).toBe(200);
    expect(page.status).toBe(200);
    expect(html).toContain(order.orderId);
    expect(paid.status).toBe(200);
    await expect
      .poll(async () => {
        const url = `${running.server}/orders/${order.orderId}/status${query}`;
        return (await send(url, { headers })).body.order;
      })
      .toMatchObject({ status: 'paid', amount: order.amount });
    await expect
      .poll(async () => (await mailsTo(order.email)).some(({ text }) => text.includes('150')))
      .toBe(true);
    expect(await stats(slug)).toMatchObject({
      paid: before.paid + 1,
      revenue: before.revenue + order.amount,
    });
  },
);

async function mailsTo(email: string): Promise<Mail[]> {
  const answer = await fetch(`${running.inbox}/_control/messages?to=${encodeURIComponent(email)}`);
  return (await answer.json()) as Mail[];
}

test('an account is made, proven by the mail that the worker sends, and used', async () => {
  const email = `${crypto.randomUUID()}@people.example`;
  const post = (path: string, body: unknown) =>
    send(`${running.server}/api/auth/${path}`, { headers: { Origin: running.server }, body });
  const password = 'four brave otters juggle';
  await post('sign-up', { name: 'Siti Rahma', email, password });

  await expect.poll(async () => (await mailsTo(email)).length).toBe(1);
  const [, token] = /verify-email#token=([\w-]+)/.exec((await mailsTo(email))[0]?.text ?? '') ?? [];
  const proven = await post('verify-email', { token, password });

  expect(proven.status).toBe(200);
  expect((await post('sign-in', { email, password })).status).toBe(200);
});

test('the login that the demo prints opens the platform', async () => {
  const [login] = running.logins;
  expect(login).toMatchObject({ door: 'superadmin' });

  const answer = await send(`${running.server}/api/auth/sign-in`, {
    headers: { Origin: running.server },
    body: { email: login?.email, password: login?.password },
  });

  expect(answer.status).toBe(200);
});

test('an expired page tells its shopper by mail', async () => {
  const order = anOrder({ email: `${crypto.randomUUID()}@shop.example` });
  await send(`${running.server}/payment/create?tenant=buatfilm`, { body: order });
  await expect.poll(async () => (await mailsTo(order.email)).length).toBe(1);

  await send(`${running.midtrans}/_control/orders/${order.orderId}/choose`, {
    body: { method: 'bca_va' },
  });
  await send(`${running.midtrans}/_control/orders/${order.orderId}/expire`, { body: {} });

  await expect.poll(async () => (await mailsTo(order.email)).length).toBe(2);
  const status = await send(`${running.server}/orders/${order.orderId}/status?tenant=buatfilm`);
  expect(status.body.order).toMatchObject({ status: 'expired' });
});

test('a merchant added by one plain insert takes a payment at once', async () => {
  const { secrets } = await readSecrets();
  const client = new pg.Client({
    host: '127.0.0.1',
    port: Number(place.settings.POSTGRES_PORT),
    user: 'kassa_owner',
    password: secrets.databasePassword,
    database: 'kassa',
  });
  await client.connect();
  await client.query(
    `insert into tenants (slug, name, midtrans_server_key)
     values ('new-shop', 'New shop', 'SB-Mid-server-any-sandbox-key')`,
  );
  await client.end();
  const order = anOrder();

  const created = await send(`${running.server}/payment/create?tenant=new-shop`, { body: order });
  await send(`${running.midtrans}/_control/orders/${order.orderId}/pay`, {
    body: { method: 'bca_va' },
  });

  expect(created.status).toBe(200);
  await expect
    .poll(async () => {
      const url = `${running.server}/orders/${order.orderId}/status?tenant=new-shop`;
      return (await send(url)).body.order;
    })
    .toMatchObject({ status: 'paid' });
});

async function readSecrets() {
  const text = await readFile(join(place.dir, 'secrets.json'), 'utf8');
  return { secrets: JSON.parse(text) as { databasePassword: string } };
}

test('a second start in the same folder is refused with the reason, and harms nothing', async () => {
  const { child, output } = spawnStart(place.settings);
  const [code] = await once(child, 'exit');

  expect(code).toBe(1);
  expect(output()).toMatch(new RegExp(`Port ${place.settings.PORT} is taken.*PORT=`));
  expect((await send(`${running.server}/health`)).status).toBe(200);
});

test('a start with other ports in the same folder is refused too, and harms nothing', async () => {
  const other = await makePlace();
  const { child, output } = spawnStart({ ...other.settings, KASSA_DIR: place.dir });
  const [code] = await once(child, 'exit');

  expect(code).toBe(1);
  expect(output()).toContain(String(running.processes.start));
  expect(JSON.parse(await readFile(join(place.dir, 'demo.json'), 'utf8')).server).toBe(
    running.server,
  );
  await removePlace(other);
});

test('Ctrl-C stops everything, and the next start goes on with the data', async () => {
  const before = await stats('buatfilm');

  await running.stop();
  await expectPortsFree(place);
  running = await start(place);

  expect(await stats('buatfilm')).toEqual(before);
});

test('after kill -9 of the start its parts end by themselves, and the next start works', async () => {
  const before = await stats('buatfilm');
  process.kill(Number(running.processes.start), 'SIGKILL');
  await once(running.child, 'exit');

  running = await start(place);

  expect(await stats('buatfilm')).toEqual(before);
});

test('nothing of the demo starts with NODE_ENV=production', async () => {
  const { child, output } = spawnStart({ ...place.settings, NODE_ENV: 'production' });
  const [code] = await once(child, 'exit');

  expect(code).toBe(1);
  expect(output()).toContain('NODE_ENV=production');
});

test('a port that somebody else holds is named, with the setting that changes it', async () => {
  const other = await makePlace();
  const holder = createServer().listen(Number(other.settings.INBOX_SMTP_PORT), '127.0.0.1');
  await once(holder, 'listening');
  try {
    const { child, output } = spawnStart(other.settings);
    const [code] = await once(child, 'exit');

    expect(code).toBe(1);
    expect(output()).toContain(`Port ${other.settings.INBOX_SMTP_PORT} is taken`);
    expect(output()).toContain('INBOX_SMTP_PORT=');
  } finally {
    holder.close();
    await removePlace(other);
  }
});

async function expectPortsFree({ settings }: Place): Promise<void> {
  for (const [name, port] of Object.entries(settings)) {
    if (!name.endsWith('PORT')) continue;
    const probe = createServer().listen(Number(port), '127.0.0.1');
    await once(probe, 'listening');
    await new Promise((resolve) => probe.close(resolve));
  }
}
