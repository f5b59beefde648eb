import { createHash, createHmac, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { aNotification } from '../support/gateway.ts';
import { attack, type Tally } from './support/attack.ts';
import type { Question } from './support/client.ts';
import { openScene, type Shop } from './support/scene.ts';

// What somebody sends who wants to be taken for the provider. Its books say what they said before.

const scene = await openScene();
const { gateway, admin, client, mine, other } = scene;
const { midtrans } = gateway;

type Message = Record<string, unknown>;

function sha512(message: Message, key: string): string {
  const { order_id, status_code, gross_amount } = message;
  return createHash('sha512')
    .update(`${order_id}${status_code}${gross_amount}${key}`)
    .digest('hex');
}

function tell({ slug }: Shop, body: string | Buffer, headers: readonly string[] = []): Question {
  const type = headers.includes('Content-Type') ? [] : ['Content-Type', 'application/json'];
  return {
    method: 'POST',
    path: `/webhooks/midtrans?tenant=${slug}`,
    headers: [...type, ...headers],
    body,
  };
}

/** Orders and money; that a message came may be noted. */
async function stateOf({ id }: Shop): Promise<string> {
  const tables = scene.tables.filter(
    ({ name }) => !['notifications', 'outbox', 'idempotency_keys'].includes(name),
  );
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as part, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as hash from ${name} t where tenant_id = $1`,
  );
  return JSON.stringify((await admin.query(`${parts.join(' union all ')} order by 1`, [id])).rows);
}

async function expectNoChange(
  tally: Tally,
  shop: Shop,
  forgeries: readonly (readonly [string, Question])[],
) {
  const before = await stateOf(shop);
  for (const [what, question] of forgeries) {
    // How many come in an hour is bounded, which would hide what becomes of the later ones.
    await admin.query('delete from notifications where tenant_id = $1', [shop.id]);
    const { status, text } = await client.ask(question);
    const after = await stateOf(shop);
    const through =
      before === after ? undefined : `${status} changed an order ${text} ${before} ${after}`;
    tally.tried(what, status >= 500 && status !== 503 ? `${status} ${text}` : through);
  }
}

/** The provider's books say that the shopper has not paid. */
async function unpaid(): Promise<Message> {
  const order = mine.pendingOrder;
  const message = aNotification({ order_id: order, transaction_id: `T-${randomUUID()}` });
  const books = { ...message, transaction_status: 'pending', status_code: '201' };
  midtrans.setStatus(order, books);
  midtrans.setStatus(message.transaction_id, books);
  await client.ask(tell(mine, JSON.stringify(mine.signed(books))));
  return message;
}

attack('A33', 'a signature that is not the shop’s is none', async (tally) => {
  const message = await unpaid();
  const good = sha512(message, mine.serverKey);
  const signatures: readonly unknown[] = [
    undefined,
    '',
    null,
    0,
    true,
    [],
    {},
    [good],
    { toString: good },
    ' ',
    'null',
    good.slice(0, -1),
    good.slice(0, 64),
    `${good}0`,
    `0${good.slice(1)}`,
    [...good].reverse().join(''),
    sha512(message, other.serverKey),
    sha512(message, ''),
    sha512(message, 'undefined'),
    sha512(message, 'null'),
    sha512(message, '[secret]'),
    sha512(message, mine.serverKey.toUpperCase()),
    sha512(message, `${mine.serverKey} `),
    sha512(message, 'SB-Mid-server-'),
    sha512(message, mine.slug),
    sha512(message, mine.id),
    createHash('sha256')
      .update(`${message.order_id}${message.status_code}${message.gross_amount}${mine.serverKey}`)
      .digest('hex'),
    createHmac('sha512', mine.serverKey).update(JSON.stringify(message)).digest('hex'),
    createHash('sha512').update(mine.serverKey).digest('hex'),
    Buffer.from(good, 'hex').toString('base64'),
    'f'.repeat(128),
    '0'.repeat(128),
    '0e123',
    mine.serverKey,
    mine.secretKey,
  ];
  await expectNoChange(
    tally,
    mine,
    signatures.map((signature_key) => {
      const body = JSON.stringify({ ...message, signature_key });
      return [
        `signature ${JSON.stringify(signature_key)?.slice(0, 40)}`,
        tell(mine, body),
      ] as const;
    }),
  );
});

attack('A33', 'what a true signature does not cover is not believed', async (tally) => {
  const message = await unpaid();
  const signed = mine.signed(message);
  const statuses = [
    'settlement',
    'capture',
    'authorize',
    'refund',
    'partial_refund',
    'chargeback',
    'partial_chargeback',
    'cancel',
    'deny',
    'expire',
    'failure',
    'SETTLEMENT',
    'settlement ',
    '',
    'paid',
  ];
  const changes: readonly Message[] = [
    ...statuses.map((transaction_status) => ({ transaction_status })),
    ...['accept', 'challenge', 'deny', 'ACCEPT'].map((fraud_status) => ({ fraud_status })),
    { transaction_id: randomUUID() },
    { transaction_id: '../../v2/other' },
    { currency: 'USD' },
    { merchant_id: 'G000' },
    { payment_type: 'gopay' },
    { refund_amount: '150000.00' },
    { refunds: [{ refund_key: 'x', refund_amount: '150000.00' }] },
    { status_message: 'x' },
    { transaction_time: '2000-01-01 00:00:00' },
  ];
  await expectNoChange(
    tally,
    mine,
    changes.map(
      (change) =>
        [JSON.stringify(change), tell(mine, JSON.stringify({ ...signed, ...change }))] as const,
    ),
  );
});

attack('A33', 'what a signature covers cannot be changed', async (tally) => {
  const message = await unpaid();
  const signed = mine.signed(message);
  const shift = {
    order_id: `${message.order_id}2`,
    status_code: '00',
    gross_amount: message.gross_amount,
  };
  const changes: readonly Message[] = [
    { gross_amount: '1.00' },
    { gross_amount: '15000000.00' },
    { gross_amount: 150_000 },
    { gross_amount: '150000' },
    { gross_amount: ['150000.00'] },
    { order_id: other.pendingOrder },
    { order_id: mine.paidOrder },
    { order_id: [mine.pendingOrder] },
    { order_id: { $ne: null } },
    { order_id: null },
    { order_id: `${mine.pendingOrder}\0` },
    { order_id: mine.pendingOrder.toLowerCase() },
    { status_code: 200 },
    { status_code: '201' },
    { status_code: ['200'] },
    shift,
  ];
  await expectNoChange(
    tally,
    mine,
    changes.map(
      (change) =>
        [JSON.stringify(change), tell(mine, JSON.stringify({ ...signed, ...change }))] as const,
    ),
  );
});

attack('A33', 'a message for one shop is none for another', async (tally) => {
  const message = { ...(await unpaid()), order_id: other.pendingOrder };
  const body = JSON.stringify(mine.signed(message));
  const own = JSON.stringify(mine.signed({ ...message, order_id: mine.pendingOrder }));
  await expectNoChange(tally, other, [
    ['the order of the other, signed by me, to the other', tell(other, body)],
    ['the order of the other, signed by me, to me', tell(mine, body)],
    ['my order, signed by me, to the other', tell(other, own)],
    [
      'with both named',
      { ...tell(other, body), path: `/webhooks/midtrans?tenant=${mine.slug}&tenant=${other.slug}` },
    ],
    ['with my key', tell(other, body, ['Authorization', `Bearer ${mine.secretKey}`])],
    ['with nobody named', { ...tell(other, body), path: '/webhooks/midtrans' }],
  ]);
});

attack('A33', 'a body that is no message changes nothing', async (tally) => {
  const message = await unpaid();
  const good = JSON.stringify(mine.signed(message));
  const twice = good.replace('{', '{"transaction_status":"pending",');
  const bodies: readonly (readonly [string | Buffer, ...string[]])[] = [
    [''],
    ['null'],
    ['[]'],
    ['{}'],
    ['"text"'],
    ['0'],
    ['{'],
    [`[${good}]`],
    [`${good}${good}`],
    [`\ufeff${good}`],
    [twice],
    [good.replace('"settlement"', '"settlement","transaction_status":"refund"')],
    [good, 'Content-Type', 'text/plain'],
    [good, 'Content-Type', 'application/x-www-form-urlencoded'],
    [
      new URLSearchParams(JSON.parse(good)).toString(),
      'Content-Type',
      'application/x-www-form-urlencoded',
    ],
    [gzipSync(good), 'Content-Encoding', 'gzip'],
    [good, 'Content-Encoding', 'br'],
    [good, 'Content-Type', 'application/json; charset=utf-16'],
    [Buffer.from(good, 'utf16le')],
    [Buffer.from([0xff, 0xfe, 0, 0x80])],
    ['<xml/>', 'Content-Type', 'text/xml'],
    [`{"a":${'['.repeat(20_000)}`],
  ];
  await expectNoChange(
    tally,
    mine,
    bodies.map(
      ([body, ...headers], at) =>
        [`body ${at}: ${String(body).slice(0, 40)}`, tell(mine, body, headers)] as const,
    ),
  );
});

attack('A33', 'an old message that is sent again changes nothing', async (tally) => {
  const shop = await scene.openShop();
  const { message } = await shop.tell(shop.pendingOrder, { payment_type: 'gopay' });
  const refunded = {
    ...message,
    transaction_status: 'refund',
    refund_amount: '150000.00',
    refunds: [{ refund_key: 'r', refund_amount: '150000.00' }],
  };
  midtrans.setStatus(message.transaction_id, refunded);
  midtrans.setStatus(shop.pendingOrder, refunded);
  await client.ask(tell(shop, JSON.stringify(shop.signed(refunded))));
  const statuses = ['settlement', 'pending', 'capture', 'expire', 'cancel', 'deny'];
  const stale = statuses.map((transaction_status) =>
    JSON.stringify(shop.signed({ ...message, transaction_status })),
  );
  const rounds = [...stale, ...stale, ...stale];
  await expectNoChange(
    tally,
    shop,
    rounds.map((body, at) => [`replay ${at} of ${statuses[at % 6]}`, tell(shop, body)] as const),
  );
});
