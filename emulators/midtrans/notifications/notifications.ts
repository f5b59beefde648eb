import { randomUUID } from 'node:crypto';
import type { Account } from '../accounts.ts';
import type { Subjects } from '../bodies.ts';
import { notificationBody } from '../bodies.ts';
import type { Books } from '../books.ts';
import type { Checkouts } from '../checkouts.ts';
import { type Clock, jakartaTime } from '../clock.ts';
import { Refusal } from '../refusal.ts';
import type { SettingsStore } from '../settings.ts';
import { type Body, signed } from '../signature.ts';
import type { Transaction } from '../transactions.ts';
import { type TamperMode, tamper } from './tamper.ts';

type Parts = {
  books: Books;
  clock: Clock;
  checkouts: Checkouts;
  subjectOf: Subjects;
  settings: SettingsStore;
  isAllowedHost: (hostname: string) => boolean;
  /** Called once there may be something to deliver. */
  wake: () => void;
};
type Message = { merchantId: string; orderId: string; transactionId: string; status: string };

/** Writes notifications and what is to be delivered of them; `deliveries.ts` sends them. */
export function createNotifications(parts: Parts) {
  const { books, clock, checkouts, settings } = parts;

  /** Tells the merchant how a transaction stands now. Runs in the transaction that moved it. */
  function notify(transaction: Transaction): void {
    const subject = parts.subjectOf(transaction);
    const { request } = checkouts.get(transaction.token);
    const own = subject.account.notificationUrl;
    const main = request.overrideUrls.length > 0 ? request.overrideUrls : own ? [own] : [];
    const urls = [...new Set([...main, ...request.appendUrls])];
    write(transaction, notificationBody(subject), { account: subject.account, urls });
  }

  /** The dashboard's test button: signed, but about an order that does not exist. */
  function sendTest(account: Account, url = account.notificationUrl): void {
    if (!url) throw new Refusal('bad-request', 'This account has no notification URL: give one.');
    const transactionId = randomUUID();
    const orderId = `payment_notif_test_${account.merchantId}_${randomUUID()}`;
    const now = clock.now();
    const body = signed(account.serverKey, {
      transaction_time: jakartaTime(now),
      transaction_status: 'settlement',
      transaction_id: transactionId,
      status_message: 'midtrans payment notification',
      status_code: '200',
      settlement_time: jakartaTime(now),
      payment_type: 'gopay',
      order_id: orderId,
      merchant_id: account.merchantId,
      gross_amount: '105000.00',
      fraud_status: 'accept',
      currency: 'IDR',
    });
    const message = { merchantId: account.merchantId, orderId, transactionId };
    write({ ...message, status: 'settlement' }, body, { account, urls: [url] });
  }

  function write(message: Message, body: Body, to: { account: Account; urls: string[] }): void {
    books.transaction(() => {
      const number = books.insert(
        `insert into notifications
           (merchant_id, order_id, transaction_id, status, body, created_at)
         values (?, ?, ?, ?, ?, ?)`,
        ...[message.merchantId, message.orderId, message.transactionId, message.status],
        ...[JSON.stringify(body), clock.now()],
      );
      if (to.urls.length === 0) return;
      const isDropped = settings.take('dropNotifications');
      const isForged = !isDropped && settings.take('tamperNotifications');
      const mode = isForged ? settings.all().tamperMode : undefined;
      for (const url of to.urls) {
        const state = isDropped ? 'dropped' : stateFor(url);
        enqueue(number, { url, body, mode, state, serverKey: to.account.serverKey, message });
      }
    });
    parts.wake();
  }

  function stateFor(url: string): 'refused' | 'held' | 'queued' {
    const isAllowed = URL.canParse(url) && parts.isAllowedHost(new URL(url).hostname);
    if (!isAllowed) return 'refused';
    return settings.all().holdNotifications ? 'held' : 'queued';
  }

  type Parcel = {
    url: string;
    body: Body;
    mode: TamperMode | undefined;
    state: 'queued' | 'held' | 'refused' | 'dropped';
    serverKey: string;
    message: Pick<Message, 'merchantId' | 'orderId'>;
  };
  function enqueue(notification: number, parcel: Parcel): void {
    const { mode, body } = parcel;
    const text = mode ? tamper(body, parcel.serverKey, mode) : JSON.stringify(body);
    const delayMs = settings.all().notificationDelaySeconds * 1000;
    const { merchantId, orderId } = parcel.message;
    const delivery = books.insert(
      `insert into deliveries (notification, lane, url, body, tamper, state, position, next_at)
       values (?, ?, ?, ?, ?, ?, (select coalesce(max(number), 0) + 1 from deliveries), ?)`,
      ...[notification, `${merchantId} ${orderId} ${parcel.url}`, parcel.url, text],
      ...[mode ?? null, parcel.state, clock.now() + delayMs],
    );
    if (parcel.state !== 'refused') return;
    books.run(
      `insert into attempts (delivery, at, url, error, duration_ms)
       values (?, ?, ?, 'the host is not on the allow-list', 0)`,
      ...[delivery, clock.now(), parcel.url],
    );
  }

  type Copy = { body: string; merchant_id: string; order_id: string; server_key: string };
  /** Sends a notification once more to wherever it went, unchanged or forged. */
  function resend(number: number, mode?: TamperMode): void {
    const copy = books.get<Copy>(
      `select n.body, n.merchant_id, n.order_id, a.server_key
         from notifications n join accounts a using (merchant_id) where n.number = ?`,
      number,
    );
    if (!copy) throw new Refusal('notification-not-found', `There is no notification ${number}.`);
    const targets = books.all<{ url: string }>(
      'select url from deliveries where notification = ? group by url order by min(number)',
      number,
    );
    const message = { merchantId: copy.merchant_id, orderId: copy.order_id };
    const body: Body = JSON.parse(copy.body);
    books.transaction(() => {
      for (const { url } of targets) {
        const state = stateFor(url);
        enqueue(number, { url, body, mode, state, serverKey: copy.server_key, message });
      }
    });
    parts.wake();
  }

  function duplicateLast(times: number): number {
    const last = books.get<{ number: number }>(
      'select number from notifications order by number desc limit 1',
    );
    if (!last) throw new Refusal('notification-not-found', 'Nothing was sent yet.');
    for (let count = 0; count < times; count += 1) resend(last.number);
    return last.number;
  }

  /** Lets go of what was held, as it came or the newest first. */
  function release(order: 'given' | 'reverse'): number {
    settings.change({ holdNotifications: false });
    const count = books.transaction(() => {
      if (order === 'reverse') {
        // Mirrored between the first and the last of them, so that they stay where they are.
        const held = books.get<{ first: number; last: number }>(
          `select min(position) as first, max(position) as last from deliveries
            where state = 'held'`,
        );
        books.run(
          `update deliveries set position = ? - position where state = 'held'`,
          (held?.first ?? 0) + (held?.last ?? 0),
        );
      }
      return books.run(
        `update deliveries set state = 'queued', next_at = max(next_at, ?) where state = 'held'`,
        clock.now(),
      );
    });
    parts.wake();
    return count;
  }

  function clear(): void {
    books.run('delete from notifications');
  }

  return { notify, sendTest, resend, duplicateLast, release, clear };
}
export type Notifications = ReturnType<typeof createNotifications>;
