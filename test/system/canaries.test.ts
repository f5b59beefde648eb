import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Inbox, startInbox } from '../../emulators/inbox/inbox.ts';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { ownWords } from '../database/support/eavesdropper.ts';
import { connect } from '../database/support/open.ts';
import { type DumpedColumn, dumpAll, listenToAll } from '../support/canary-channels.ts';
import { live } from '../support/canary-life.ts';
import { addCanaryShop, type CanaryShop, marksOf, wordsIn } from '../support/canary-shops.ts';
import { cardNumbersIn } from '../support/card-numbers.ts';
import { countTries } from '../support/isolation-tries.ts';
import { freePorts } from '../support/ports.ts';
import { askRaw } from '../support/raw-requests.ts';
import {
  nameOnly,
  placesIn,
  requestFor,
  routeNames,
  secretKey,
} from '../support/route-requests.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { openSeeder, textOf } from '../support/shop-seed.ts';
import { idsOf, readIds } from '../support/tenant-ids.ts';
import { createTestDatabase, openAdminPool, type TestDatabase } from '../support/test-database.ts';

/*
 * Two merchants whose every word can be told from the other's live through a day at the same time,
 * against the real processes. Then everything that left Kassa is read: no word has come to the
 * wrong one, no secret has come out, and nothing looks like the number of a card.
 */

type Told = { readonly to: CanaryShop; readonly text: string };

const tries = countTries('canary');
const answers: Told[] = [];
const mails: Told[] = [];
const jobs: Told[] = [];
const announced: string[] = [];
let logged = '';
let lines: string[] = [];
let dump: DumpedColumn[] = [];
let database: TestDatabase;
let admin: pg.Pool;
let midtrans: MidtransEmulator;
let inbox: Inbox;
let ear: pg.Client;
let server: KassaProcess;
let worker: KassaProcess;
let shops: readonly CanaryShop[];
/** What only that merchant's rows hold. */
const words = new Map<string, ReadonlySet<string>>();

beforeAll(async () => {
  database = await createTestDatabase();
  admin = openAdminPool(database);
  midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  shops = [await addCanaryShop(admin, 'one'), await addCanaryShop(admin, 'two')];
  await startProcesses();
  ear = await connect(database.admin);
  await listenToAll(ear, (text) => announced.push(text));
});

afterAll(async () => {
  await ear.end();
  await admin.end();
  await inbox.close();
  await midtrans.close();
  await database.drop();
});

test('two merchants live through a day', async () => {
  const [serverUrl, midtransUrl] = [server.url, midtrans.url];
  await Promise.all(
    shops.map((shop) => {
      const hear = ({ text }: { readonly text: string }) => answers.push({ to: shop, text });
      return live({ shop, serverUrl, midtransUrl, hear });
    }),
  );
  await collectJobs();
  await collectMails();
  await worker.kill('SIGTERM');
  await lookEverywhere();
  await server.kill('SIGTERM');
  lines = logged.split('\n').filter(Boolean);
  dump = await dumpAll(admin);
}, 90_000);

describe('what came to a merchant and its shoppers', () => {
  test.each([
    ['answers', () => answers],
    ['mails', () => mails],
    ['jobs', () => jobs],
  ])('%s hold no word of the other one', (_, channel) => {
    const told = channel();

    for (const { to, text } of told) {
      const foreign = shops
        .filter((shop) => shop !== to)
        .flatMap((shop) => [...wordsIn(text, marksOf(shop)), ...heardOf(shop, text)]);
      tries.count(foreign.length > 0 ? `${to.slug} was told ${foreign}: ${text}` : undefined);
    }
    expect(told.length).toBeGreaterThan(5);
  });

  // A net that catches nothing would be clean as well.
  test.each([
    ['answers', () => answers],
    ['mails', () => mails],
    ['jobs', () => jobs],
  ])('%s hold their own words', (_, channel) => {
    for (const shop of shops) {
      const own = channel().filter(({ to }) => to === shop);
      const found = own.flatMap(({ text }) => [
        ...wordsIn(text, marksOf(shop)),
        ...heardOf(shop, text),
      ]);
      expect(new Set(found).size).toBeGreaterThan(2);
    }
  });
});

test('no line of a log is about both merchants', () => {
  for (const line of lines) {
    const both = shops.filter(
      (shop) => [...wordsIn(line, marksOf(shop)), ...heardOf(shop, line)].length,
    );
    tries.count(both.length > 1 ? line : undefined);
  }
  expect(lines.length).toBeGreaterThan(50);
});

test.each([
  ['logs', () => lines],
  ['jobs', () => jobs.map(({ text }) => text)],
  ['announcements', () => announced],
])('%s say nothing of a person', (_, channel) => {
  const personal = shops.flatMap((shop) => Object.values(shop.personal));
  const texts = channel();

  expect(texts.filter((text) => wordsIn(text, personal).length > 0)).toEqual([]);
  expect(texts.length).toBeGreaterThan(1);
});

test('secrets came out nowhere', () => {
  expect(outgoing().filter((text) => wordsIn(text, secrets()).length > 0)).toEqual([]);
});

test('secrets lie open nowhere in the database', () => {
  const open = dump.filter(({ text }) => wordsIn(text, secrets()).length > 0);

  expect(open.map(({ column }) => column)).toEqual([]);
  // The net holds: what is no secret is there to be read.
  const names = shops.map(({ own }) => own.tenantName);
  expect(dump.filter(({ text }) => wordsIn(text, names).length > 0)).not.toEqual([]);
});

test('nothing looks like the number of a card', () => {
  const stored = dump.map(({ column, text }) => `${column}\n${text}`);

  expect([...outgoing(), ...stored].flatMap(cardNumbersIn)).toEqual([]);
});

test.each(['4811111111111114', '5264 2210 3887 4659', '3782-822463-10005', '6011000990139424'])(
  'the number %s would have been found',
  (number) => {
    const texts = [`{"name":"${number}"}`, `card=${number}`, number, `Siti ${number}, Jakarta`];

    expect(texts.map(cardNumbersIn)).toEqual(texts.map(() => [number]));
  },
);

test.each([
  ['another sum', '4811111111111115'],
  ['no issuer', '9811111111111115'],
  ['a moment', '1794844800000'],
  ['an id', '01934811-1111-7111-8111-111111111114'],
  ['a decimal', '0.4811111111111114'],
])('%s is no number of a card', (_, text) => {
  expect(cardNumbersIn(text)).toEqual([]);
});

async function startProcesses(): Promise<void> {
  for (const {
    own,
    secrets: { serverKey },
  } of shops) {
    const answer = await fetch(`${midtrans.url}/_control/accounts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ serverKey, merchantId: own.merchantId }),
    });
    expect(answer.status, await answer.text()).toBeLessThan(300);
  }
  const [port] = await freePorts(1);
  const settings = {
    LOG_LEVEL: 'debug',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    MIDTRANS_BASE_URL: midtrans.url,
    SMTP_URL: inbox.smtpUrl,
    SWEEP_INTERVAL_SECONDS: '1',
  };
  const onOutput = (text: string) => {
    logged += text;
  };
  server = await startProcess('server', { database, settings, onOutput });
  worker = await startProcess('worker', { database, settings, onOutput });
}

/** At least one for each of the three orders that were paid. */
async function collectMails(): Promise<void> {
  for (const shop of shops) {
    const to = encodeURIComponent(shop.personal.email);
    const answer = await fetch(`${inbox.url}/_control/messages?to=${to}`);
    const found = (await answer.json()) as unknown[];
    expect(found.length).toBeGreaterThan(2);
    mails.push(...found.map((mail) => ({ to: shop, text: JSON.stringify(mail) })));
  }
}

async function collectJobs(): Promise<void> {
  const left = async () => {
    const { rowCount } = await admin.query(
      `select id from outbox union all
       select id from pgboss.job where name = 'order-mail' and state < 'completed'`,
    );
    return rowCount;
  };
  await expect.poll(left).toBe(0);
  const { rows } = await admin.query<{ tenant: string; text: string }>(
    `select data->>'tenantId' as tenant, job::text as text from pgboss.job
      where data ? 'tenantId'`,
  );
  for (const { tenant, text } of rows) {
    const shop = shops.find(({ id }) => id === tenant);
    if (shop) jobs.push({ to: shop, text });
  }
}

/** Every GET, once each table has a row of both, with all ids of their own. */
async function lookEverywhere(): Promise<void> {
  const seeder = await openSeeder({ database });
  for (const shop of shops) await seeder.seed(shop);
  const [one, two] = shops;
  if (!one || !two) throw new Error('There are two shops.');
  const texts = [
    await textOf({ admin }, seeder.tables, one.id),
    await textOf({ admin }, seeder.tables, two.id),
  ];
  words.set(one.id, ownWords(String(texts[0]), String(texts[1])));
  words.set(two.id, ownWords(String(texts[1]), String(texts[0])));
  for (const shop of shops) await lookWith(shop);
  await seeder.close();
}

async function lookWith(shop: CanaryShop): Promise<void> {
  const ids = await readIds(admin, shop.id);
  const merchant = { id: shop.id, slug: shop.slug, secretKey: shop.secrets.apiKey };
  for (const name of routeNames.filter((each) => each.startsWith('GET '))) {
    const places = placesIn(name);
    for (
      let at = 0;
      at < Math.max(1, ...places.map(({ kind }) => idsOf(ids, kind).length));
      at += 1
    ) {
      const filled = places.map((place) => ({
        place,
        value: idsOf(ids, place.kind).at(at) ?? '',
      }));
      for (const credential of [secretKey, nameOnly]) {
        const asked = requestFor(name, { merchant, credential }, { ids: filled });
        const { text } = await askRaw(server.url, asked);
        answers.push({ to: shop, text });
      }
    }
  }
}

function heardOf(shop: CanaryShop, text: string): string[] {
  return wordsIn(text, words.get(shop.id) ?? []);
}

/** Of the merchants, and of Kassa itself. */
function secrets(): string[] {
  return [...shops.flatMap((shop) => Object.values(shop.secrets)), inject('postgres').password];
}

/** All that left Kassa, or could be read by somebody who sees the queue and the logs. */
function outgoing(): string[] {
  return [...[...answers, ...mails, ...jobs].map(({ text }) => text), ...announced, ...lines];
}
