import { randomUUID } from 'node:crypto';
import { anOrder } from '../support/gateway.ts';
import { cards, openActionDesk } from '../support/order-actions.ts';
import { openRefundDesk } from '../support/refunds.ts';
import { attack, type Tally } from './support/attack.ts';
import type { Answer } from './support/client.ts';
import { plans, toQuestion } from './support/requests.ts';
import { openScene, type Shop } from './support/scene.ts';

// Amounts that were tampered with, and fifty hands that reach for one thing at once.

const scene = await openScene({ DATABASE_POOL_SIZE: '10' });
const { gateway, admin, client, draftFor } = scene;
const { midtrans } = gateway;

const hands = Array.from({ length: 50 }, (_, hand) => hand);

function post(shop: Shop, path: string, body: unknown, key?: string): Promise<Answer> {
  const auth = path.startsWith('/admin') ? ['Authorization', `Bearer ${shop.secretKey}`] : [];
  return client.ask({
    method: 'POST',
    path: `${path}?tenant=${shop.slug}`,
    headers: [
      'Content-Type',
      'application/json',
      ...auth,
      ...(key ? ['Idempotency-Key', key] : []),
    ],
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Written into a body as they are: some are no JSON that a program would make. */
const amounts: readonly string[] = [
  '0',
  '-0',
  '-1',
  '-150000',
  '0.1',
  '150000.5',
  '1e-7',
  '1e400',
  '-1e400',
  '1e21',
  '9007199254740993',
  '999999999999999',
  '1000000000000',
  '18446744073709551616',
  '"0"',
  '"-1"',
  '"+1"',
  '"1e3"',
  '"0x10"',
  '"1.0"',
  '"1,000"',
  '"1 000"',
  '" 1000"',
  '"1000 "',
  '"\\uff11\\uff10\\uff10\\uff10"',
  '"\\u0661\\u0660"',
  '"NaN"',
  '"Infinity"',
  '""',
  '"-"',
  'null',
  'true',
  'false',
  '[]',
  '[1000]',
  '{}',
  '{"value":1000}',
  '"1000\\u0000"',
  '"9223372036854775808"',
  '"1000;2000"',
];

attack(
  'A30',
  'an order of no sound amount is not opened, and no shopper is asked for one',
  async (tally) => {
    const shop = await scene.openShop();
    const before = (await shop.rows('orders')).length;
    midtrans.calls.length = 0;
    for (const amount of amounts) {
      const body = JSON.stringify(anOrder({ amount: '@' })).replace('"@"', amount);
      const { status, text } = await post(shop, '/payment/create', body);
      tally.tried(`amount ${amount}`, status === 400 ? undefined : `${status} ${text}`);
    }
    const after = (await shop.rows('orders')).length;
    tally.tried('orders', after === before ? undefined : `${after - before} were opened`);
    tally.tried('pages', midtrans.calls.length === 0 ? undefined : 'the provider was asked');
  },
);

attack('A30', 'what an order costs is what was said first', async (tally) => {
  const shop = await scene.openShop();
  const order = anOrder();
  await shop.create(order);
  midtrans.calls.length = 0;
  for (const change of [
    { amount: 1 },
    { amount: '1' },
    { amount: 149_999 },
    { amount: 150_001 },
    { currency: 'USD', amount: 15 },
    { amount: 15, quantity: 10_000 },
    { amount: 75_000, coupon: 'HALF' },
    { amount: 1, discount: 149_999 },
    { amount: 1, items: [{ price: 1, quantity: 1e9 }] },
  ]) {
    const { status, text } = await post(shop, '/payment/create', { ...order, ...change });
    tally.tried(JSON.stringify(change), status === 409 ? undefined : `${status} ${text}`);
  }
  // In another currency, with a coupon or in thousands: the members are nobody's, the price stays.
  for (const change of [
    { currency: 'USD' },
    { quantity: 1_000_000_000 },
    { coupon: 'FREE' },
    { discount: 150_000 },
  ]) {
    await post(shop, '/payment/create', { ...order, ...change });
    const { rows } = await admin.query(
      'select amount, currency from orders where tenant_id = $1 and order_id = $2',
      [shop.id, order.orderId],
    );
    const said = `${rows[0]?.amount} ${rows[0]?.currency}`;
    tally.tried(JSON.stringify(change), said === '150000 IDR' ? undefined : said);
  }
  tally.tried('pages', midtrans.createCalls().length === 0 ? undefined : 'a second page was made');
});

attack('A30', 'no refund is of no sound amount, or of more than was paid', async (tally) => {
  const shop = await scene.openShop();
  const desk = openRefundDesk(gateway, shop);
  const paid = await desk.paidOrder();
  const path = `/admin/orders/${paid.order_id}/refunds`;
  const tooMuch = ['150001', '"150001"', '300000', '999999999999'];
  for (const amount of [...amounts, ...tooMuch]) {
    const { status, text } = await post(shop, path, `{"reason":"x","amount":${amount}}`);
    tally.tried(
      `refund of ${amount}`,
      status === 400 || status === 409 ? undefined : `${status} ${text}`,
    );
  }
  for (const extra of [
    { currency: 'USD' },
    { refundedAmount: 0 },
    { fee: -1 },
    { orderId: 'other' },
  ]) {
    const { status, text } = await post(shop, path, { reason: 'x', amount: 1, ...extra });
    tally.tried(JSON.stringify(extra), status === 400 ? undefined : `${status} ${text}`);
  }
  tally.tried(
    'money',
    midtrans.changeCalls().length === 0 ? undefined : 'the provider gave some back',
  );
});

/** All at once; nothing but answers that say what happened, or that something is under way. */
async function rush(
  tally: Tally,
  what: string,
  act: (hand: number) => Promise<Answer>,
): Promise<Answer[]> {
  const answers = await Promise.all(hands.map(act));
  for (const { status, text } of answers) {
    tally.tried(what, status < 500 ? undefined : `${status} ${text}`);
  }
  return answers;
}

const successes = (answers: readonly Answer[]) => answers.filter(({ status }) => status < 300);

for (const keys of ['no key', 'one key', 'a key each'] as const) {
  const keyOf = (hand: number, one = 'the-one') =>
    keys === 'no key' ? undefined : keys === 'one key' ? one : `${one}-${hand}`;

  attack('A31', `the whole order is given back once, with ${keys}`, async (tally) => {
    const shop = await scene.openShop();
    const desk = openRefundDesk(gateway, shop);
    const paid = await desk.paidOrder();
    const done = desk.doRefunds(paid);

    await rush(tally, 'a refund', (hand) =>
      post(shop, `/admin/orders/${paid.order_id}/refunds`, { reason: 'race' }, keyOf(hand)),
    );

    const sum = done.reduce((total, { amount }) => total + amount, 0);
    tally.tried(
      'what went back',
      sum === 150_000 && done.length === 1 ? undefined : JSON.stringify(done),
    );
    midtrans.answerChanges(undefined);
  });

  attack(
    'A31',
    `parts are given back up to the whole and no further, with ${keys}`,
    async (tally) => {
      const shop = await scene.openShop();
      const desk = openRefundDesk(gateway, shop);
      const paid = await desk.paidOrder();
      const done = desk.doRefunds(paid);

      await rush(tally, 'a refund of a part', (hand) =>
        post(
          shop,
          `/admin/orders/${paid.order_id}/refunds`,
          { reason: 'race', amount: 40_000 },
          keyOf(hand),
        ),
      );

      const sum = done.reduce((total, { amount }) => total + amount, 0);
      tally.tried('what went back', sum > 0 && sum <= 150_000 ? undefined : JSON.stringify(done));
      midtrans.answerChanges(undefined);
    },
  );

  attack('A31', `one order is opened once, with ${keys}`, async (tally) => {
    const shop = await scene.openShop();
    const order = anOrder();
    midtrans.calls.length = 0;

    const answers = await rush(tally, 'a create', (hand) =>
      post(shop, '/payment/create', order, keyOf(hand)),
    );

    const { rows } = await admin.query(
      'select id from orders where tenant_id = $1 and order_id = $2',
      [shop.id, order.orderId],
    );
    const tokens = new Set(successes(answers).map(({ text }) => JSON.parse(text).token));
    tally.tried('orders', rows.length === 1 ? undefined : `${rows.length} orders`);
    tally.tried(
      'pages',
      midtrans.createCalls().length === 1 ? undefined : `${midtrans.createCalls().length} pages`,
    );
    tally.tried('tokens', tokens.size === 1 ? undefined : `${tokens.size} tokens`);
  });

  attack('A31', `one reservation is captured or released, with ${keys}`, async (tally) => {
    const shop = await scene.openShop();
    const actions = openActionDesk(gateway, shop, openRefundDesk(gateway, shop));
    const message = await actions.orderWith(cards.reserved);
    const done: string[] = [];
    midtrans.answerChanges((req, res) => {
      const word = req.url?.includes('capture') ? 'captured' : 'cancelled';
      done.push(word);
      actions.setBooks(message, cards[word]);
      res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"status_code":"200"}');
    });

    await rush(tally, 'a capture or cancel', (hand) => {
      const word = hand % 2 === 0 ? 'capture' : 'cancel';
      return post(
        shop,
        `/admin/orders/${message.order_id}/${word}`,
        { reason: 'race' },
        keyOf(hand, word),
      );
    });

    tally.tried('what was done', new Set(done).size === 1 ? undefined : done.join());
    midtrans.answerChanges(undefined);
  });
}

attack('A31', 'the same write by fifty hands is done once, on every route', async (tally) => {
  for (const plan of plans) {
    if (plan.method === 'GET' || !['tenant', 'storefront'].includes(plan.access.door)) continue;
    const shop = await scene.openShop();
    const draft = await draftFor(shop, plan);
    const key = randomUUID();
    const question = toQuestion({ ...draft, headers: [...draft.headers, 'Idempotency-Key', key] });
    const answers = await rush(tally, plan.name, () => client.ask(question));
    // A key is shown to the first of them only.
    const bodies = new Set(
      successes(answers).map(({ text }) => text.replace(/"key":("[^"]*"|null)/, '')),
    );
    tally.tried(
      `${plan.name}, answers`,
      bodies.size <= 1 ? undefined : [...bodies].slice(0, 2).join(' | '),
    );
  }
});

attack('A31', 'refunds and cancels together give back no more than was paid', async (tally) => {
  const shop = await scene.openShop();
  const desk = openRefundDesk(gateway, shop);
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await rush(tally, 'a refund beside a cancel', (hand) =>
    hand % 2 === 0
      ? post(shop, `/admin/orders/${paid.order_id}/refunds`, { reason: 'race' })
      : post(shop, `/admin/orders/${paid.order_id}/cancel`, { reason: 'race' }),
  );
  const { rows } = await admin.query<{ sum: string }>(
    `select coalesce(sum(r.amount), 0)::text as sum
       from refunds r join orders o on o.tenant_id = r.tenant_id and o.id = r.order_id
      where r.tenant_id = $1 and o.order_id = $2 and r.status <> 'refused'`,
    [shop.id, paid.order_id],
  );
  const isSound = Number(rows[0]?.sum) <= 150_000 && done.length <= 1;
  tally.tried('what went back', isSound ? undefined : `${rows[0]?.sum}, ${JSON.stringify(done)}`);
  midtrans.answerChanges(undefined);
});
