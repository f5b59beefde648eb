import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { basic, keyA, minimal, type Rig, startReceiver, startRig } from './testing.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function rigUntilEnd(options: Parameters<typeof startRig>[0] = {}): Promise<Rig> {
  const rig = await startRig(options);
  undo.push(rig.close);
  return rig;
}

function freshFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'midtrans-emulator-'));
  undo.push(() => rmSync(folder, { recursive: true }));
  return join(folder, 'books/midtrans.sqlite');
}

/** Starts the real entry file as a process of its own. */
async function startProcess(env: Record<string, string>) {
  const child = fork(join(import.meta.dirname, 'server.ts'), {
    env: { PATH: String(env.PATH ?? ''), MIDTRANS_EMULATOR_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  undo.push(() => child.kill('SIGKILL'));
  const texts = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    texts.stderr += chunk;
  });
  const ended = once(child, 'exit');
  const ready = once(child, 'message').then(([message]) => String(message.url));
  const url = await Promise.race([ready, ended.then(() => '')]);
  return { child, url, ended, texts };
}

async function post(url: string, path: string, json?: unknown, key = keyA) {
  const headers = { authorization: basic(key), 'content-type': 'application/json' };
  const body = JSON.stringify(json ?? {});
  const answer = await fetch(url + path, { method: 'POST', headers, body });
  return answer.json();
}

async function readClock(url: string): Promise<{ offsetSeconds: number }> {
  const answer = await fetch(`${url}/_control/clock`);
  return answer.json();
}

describe('books', () => {
  test('[71] orders, settings and the clock survive kill -9', async () => {
    const receiver = await startReceiver();
    undo.push(receiver.close);
    const env = { MIDTRANS_EMULATOR_DATA: freshFile() };
    const first = await startProcess(env);
    await post(first.url, '/_control/accounts', { serverKey: keyA, notificationUrl: receiver.url });
    await post(first.url, '/_control/clock/advance', { seconds: 5000 });
    await post(first.url, '/snap/v1/transactions', minimal('A'));
    await post(first.url, '/_control/notifications/hold');
    await post(first.url, '/_control/orders/A/pay', { method: 'bca_va' });
    const { offsetSeconds } = await readClock(first.url);
    first.child.kill('SIGKILL');
    await first.ended;

    const second = await startProcess(env);

    const status = await fetch(`${second.url}/v2/A/status`, {
      headers: { authorization: basic(keyA) },
    });
    expect(await status.json()).toMatchObject({ transaction_status: 'settlement' });
    expect(offsetSeconds).toBeCloseTo(5000, 0);
    expect(await readClock(second.url)).toMatchObject({ offsetSeconds });
    await post(second.url, '/_control/notifications/release');
    await receiver.toHave(2);
    expect(receiver.statuses()).toEqual(['pending', 'settlement']);
  });

  test('[71] what was being delivered when the process died is delivered again', async () => {
    const receiver = await startReceiver();
    undo.push(receiver.close);
    const dataFile = freshFile();
    receiver.respondWith(() => undefined);
    const env = { MIDTRANS_EMULATOR_DATA: dataFile };
    const first = await startProcess(env);
    await post(first.url, '/_control/accounts', { serverKey: keyA, notificationUrl: receiver.url });
    await post(first.url, '/snap/v1/transactions', minimal('A'));
    await post(first.url, '/_control/orders/A/pay', { method: 'bca_va', outcome: 'pending' });
    await receiver.toHave(1);
    first.child.kill('SIGKILL');
    await first.ended;

    receiver.answer(200);
    await startProcess(env);

    await receiver.toHave(2);
    expect(receiver.received[1]?.text).toBe(receiver.received[0]?.text);
  });

  test('[71] what fell due while nothing ran is done at the start', async () => {
    const dataFile = freshFile();
    let now = Date.parse('2026-01-15T10:00:00+07:00');
    const first = await startRig({ dataFile, realNow: () => now });
    await first.order('A');
    await first.pay('A', 'ovo', { outcome: 'pending' });
    await first.close();
    now += 3600_000;

    const second = await rigUntilEnd({ dataFile, realNow: () => now });

    expect(await second.status('A')).toMatchObject({ transaction_status: 'expire' });
  });

  test('[71] a reset wipes them', async () => {
    const rig = await rigUntilEnd();
    await rig.order('A');
    await rig.pay('A', 'bca_va');
    await rig.advance(1000);
    await rig.control('/settings', { strictAccounts: true }, 'PUT');

    await rig.control('/reset');

    const empty = { cursor: 0, transactions: [], tokens: [] };
    expect(await rig.control('/books', undefined, 'GET')).toEqual(empty);
    expect(await rig.control('/clock', undefined, 'GET')).toMatchObject({ offsetSeconds: 0 });
    expect(await rig.control('/accounts', undefined, 'GET')).toEqual({ accounts: [] });
    expect(await rig.notifications()).toEqual([]);
    expect(await rig.create(minimal('A'))).toMatchObject({ status: 201 });
  });

  test('books of another version are refused', async () => {
    const dataFile = freshFile();
    await (await startRig({ dataFile })).close();
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(dataFile);
    database.exec('pragma user_version = 99');
    database.close();

    await expect(startRig({ dataFile })).rejects.toThrow('another version');
  });
});

describe('the process', () => {
  test('it says once that it is ready, and ends cleanly', async () => {
    const { child, url, ended, texts } = await startProcess({
      MIDTRANS_EMULATOR_DATA: ':memory:',
    });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    child.kill('SIGTERM');

    expect(await ended).toEqual([0, null]);
    expect(texts.stderr).toBe('');
    const lines = texts.stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ msg: 'ready', url }]);
  });

  test('a taken port is named, with the way out', async () => {
    const taken = await startReceiver();
    undo.push(taken.close);
    const { ended, texts } = await startProcess({
      MIDTRANS_EMULATOR_PORT: String(taken.port),
      MIDTRANS_EMULATOR_DATA: freshFile(),
    });

    expect(await ended).toEqual([1, null]);
    expect(texts.stderr).toMatch(new RegExp(`^Port ${taken.port} .*MIDTRANS_EMULATOR_PORT.*\\n$`));
  });

  test('it sends where it was told that it may', async () => {
    const env = {
      MIDTRANS_EMULATOR_DATA: ':memory:',
      MIDTRANS_EMULATOR_NOTIFY_HOSTS: 'x.invalid, y.invalid',
    };
    const { url } = await startProcess(env);
    const notificationUrl = 'http://y.invalid/hook';
    await post(url, '/_control/accounts', { serverKey: keyA, notificationUrl });
    await post(url, '/snap/v1/transactions', minimal('A'));
    await post(url, '/_control/orders/A/pay', { method: 'bca_va', outcome: 'pending' });
    await post(url, '/_control/clock/advance', { seconds: 1 });
    const { notifications } = await (await fetch(`${url}/_control/notifications`)).json();

    expect(notifications[0].deliveries[0].state).toBe('queued'); // tried, and not found
  });
});

test('[75] no key, signature or body is in the log', async () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const logger: Logger = pino({ level: 'trace' }, { write });
  const rig = await rigUntilEnd({ logger });
  rig.receiver.answer(500, 200);
  await rig.order('SECRET-ORDER', { custom_field1: 'SECRET-FIELD' });
  await rig.pay('SECRET-ORDER', 'bca_va');
  await rig.advance(600);
  await rig.create(undefined, { body: '{"a":', headers: { 'content-type': 'application/json' } });

  const log = lines.join('');
  expect(log).toContain('notification sent');
  const signature = String(rig.receiver.received[0]?.body.signature_key);
  for (const secret of [keyA, basic(keyA), signature, 'SECRET-ORDER', 'SECRET-FIELD']) {
    expect(log).not.toContain(secret);
  }
});
