import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { bySystem } from '../../src/domain/caller.ts';
import { anOrder, startGateway } from '../support/gateway.ts';
import { candidatesIn, dumpOf, keysAmong } from '../support/key-thief.ts';

// Who has a dump of the database and every line of every log must not be able to call Midtrans as
// a merchant. The thief takes all that stands there and tries it.

const emulator = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
const gateway = await startGateway({ MIDTRANS_BASE_URL: emulator.url });

afterAll(async () => {
  await gateway.close();
  await emulator.close();
});

const newKey = () => `SB-Mid-server-${randomBytes(12).toString('hex')}`;

/** Makes it a key of an account: with only such accounts a guess that looks like a key is none. */
async function register(serverKey: string): Promise<void> {
  await control('accounts', 'POST', { serverKey });
}

async function control(path: string, method: string, body: object): Promise<void> {
  const answer = await fetch(`${emulator.url}/_control/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.ok).toBe(true);
}

async function steal(lines: readonly string[]) {
  const candidates = candidatesIn([...(await dumpOf(gateway.database.admin)), ...lines]);
  return { tries: candidates.size, keys: await keysAmong(candidates, emulator.url) };
}

test('the thief finds a key wherever it stands', async () => {
  await control('settings', 'PUT', { strictAccounts: true });
  const keys = Array.from({ length: 6 }, newKey);
  for (const key of keys) await register(key);
  const [plain = '', bytes = '', json = '', sentence = '', line = '', header = ''] = keys;
  const { slug } = await gateway.merchant({ midtrans_server_key: plain });
  await gateway.admin.query('create table planted (a bytea, b jsonb, c text)');
  await gateway.admin.query('insert into planted values ($1, $2, $3)', [
    Buffer.from(bytes),
    JSON.stringify({ deep: [{ key: json }] }),
    `The key is "${sentence}", they said.`,
  ]);

  const { keys: stolen } = await steal([
    JSON.stringify({ msg: 'called', serverKey: line }),
    JSON.stringify({ headers: { authorization: `Basic ${btoa(`${header}:`)}` } }),
  ]);

  expect(stolen).toEqual(keys.toSorted());
  await gateway.admin.query('drop table planted');
  await gateway.admin.query('delete from api_keys');
  await gateway.admin.query('delete from tenants where slug = $1', [slug]);
});

test('from a dump and all logs nobody calls Midtrans as a merchant', async () => {
  const merchants = [await gateway.merchant(), await gateway.merchant(), await gateway.merchant()];
  const [first, second, third] = merchants;
  for (const { serverKey } of merchants) await register(serverKey);
  const replaced = newKey();
  await register(replaced);
  const [one, two] = [anOrder(), anOrder()];

  // What a merchant's day leaves behind: payments, faults, refusals, a new key, new data keys.
  for (const merchant of merchants) expect((await merchant.create(one)).status).toBe(200);
  await first?.notify(
    first.signed({ order_id: one.orderId, status_code: '200', gross_amount: '1' }),
  );
  await second?.notify({ order_id: one.orderId, signature_key: 'forged' });
  await gateway.services.sweep();
  if (!third) throw new Error('There is no third merchant.');
  await gateway.services.midtransAccounts.change(
    await gateway.tenantOf(third.slug),
    { serverKey: replaced, environment: 'sandbox' },
    bySystem('test', 'test'),
  );
  gateway.services.directory.forget(third.id);
  await control('settings', 'PUT', { strictAccounts: true });
  expect((await third.create(two)).status).toBe(200);
  await gateway.admin.query(
    `update tenants set midtrans_server_key = overlay(midtrans_server_key placing 'AAAA' from 60)
      where id = $1`,
    [second?.id],
  );
  if (second) gateway.services.directory.forget(second.id);
  expect((await second?.create(two))?.status).toBe(503);
  await gateway.services.keyRotation.rotateMaster(bySystem('test', 'test'));
  await gateway.services.keyRotation.rotateData(bySystem('test', 'test'));

  const { tries, keys } = await steal(gateway.logLines);

  process.stdout.write(`stolen dump: ${tries} tries, ${keys.length} keys\n`);
  expect(keys).toEqual([]);
  expect(tries).toBeGreaterThan(300);
  expect(gateway.logLines.length).toBeGreaterThan(10);
});
