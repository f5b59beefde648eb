import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { anOrder } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { recentDays } from '../support/reconciliations.ts';
import { openRefundDesk } from '../support/refunds.ts';
import { attack } from './support/attack.ts';
import type { Answer, Question } from './support/client.ts';
import { openScene } from './support/scene.ts';

// Every way to make the gateway say that something is wrong, and what it tells beside.

const scene = await openScene();
const { gateway, admin, client, other } = scene;
const { midtrans } = gateway;
const shop = await scene.openShop();
const refunds = openRefundDesk(gateway, shop);

const ask = client.ask;
const type = ['Content-Type', 'application/json'];
const auth = ['Authorization', `Bearer ${shop.secretKey}`];

function create(body: unknown, headers: readonly string[] = type): Question {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return { method: 'POST', path: `/payment/create?tenant=${shop.slug}`, headers, body: text };
}

function look(path: string, headers: readonly string[] = auth): Question {
  return { path, headers };
}

function write(path: string, body: unknown, headers: readonly string[] = []): Question {
  return {
    method: 'POST',
    path,
    headers: [...type, ...auth, ...headers],
    body: JSON.stringify(body),
  };
}

function notify(body: unknown): Question {
  return {
    method: 'POST',
    path: `/webhooks/midtrans?tenant=${shop.slug}`,
    headers: type,
    body: JSON.stringify(body),
  };
}

/** Asks while the provider answers so. */
async function whileProvider(
  answers: (status: number) => void,
  status: number,
  asked: () => Question,
) {
  answers(status);
  try {
    return await ask(asked());
  } finally {
    midtrans.answerCreates(undefined);
    midtrans.answerChanges(undefined);
  }
}

const creates = (status: number) =>
  midtrans.answerCreates((_req, res) => json(res, status, { error_messages: ['No'] }));
const changes = (status: number) =>
  midtrans.answerChanges((_req, res) =>
    json(res, 200, { status_code: String(status), status_message: 'Refused' }),
  );
const silent = () => {
  midtrans.answerCreates((req) => void req.socket.destroy());
  midtrans.answerChanges((req) => void req.socket.destroy());
};

/** Asks while something in the database is not as it should be. */
async function whileBroken(breaking: string, mending: string, asked: Question): Promise<Answer> {
  await admin.query(breaking);
  try {
    return await ask(asked);
  } finally {
    await admin.query(mending);
  }
}

async function paid(): Promise<string> {
  return (await refunds.paidOrder()).order_id;
}

async function keyless(): Promise<Question> {
  const { slug } = await gateway.merchant({ midtrans_server_key: '' });
  return { ...create(anOrder()), path: `/payment/create?tenant=${slug}` };
}

async function full(columns: Record<string, unknown>): Promise<Question> {
  const { slug } = await gateway.merchant(columns);
  return { ...create(anOrder()), path: `/payment/create?tenant=${slug}` };
}

/** By name, so that one that does not fail at all is noticed: each must answer an error. */
const kinds: Record<string, () => Promise<Answer>> = {
  'an unknown path': () => ask(look('/nothing/here')),
  'an unknown path of the admin': () => ask(look('/admin/nothing')),
  'a method that does not fit': () =>
    ask({ method: 'DELETE', path: '/admin/stats', headers: auth }),
  'no tenant': () => ask({ ...create(anOrder()), path: '/payment/create' }),
  'an unknown tenant': () => ask({ ...create(anOrder()), path: '/payment/create?tenant=nobody' }),
  'two tenants': () =>
    ask({ ...create(anOrder()), path: `/payment/create?tenant=${shop.slug}&tenant=${other.slug}` }),
  'an inactive tenant': async () => ask(await full({ status: 'inactive' })),
  'no credentials': () => ask(look('/admin/stats', [])),
  'an unknown key': () =>
    ask(look('/admin/stats', ['Authorization', `Bearer sk_test_${'0'.repeat(48)}`])),
  'a damaged key': () => ask(look('/admin/stats', ['Authorization', 'Bearer sk_'])),
  'broken JSON': () => ask(create('{"orderId":')),
  'an empty body': () => ask(create('')),
  'a text for a body': () => ask(create('"text"')),
  'too large a body': () => ask(create('x'.repeat(100_000))),
  'a form': () => ask(create('a=b', ['Content-Type', 'application/x-www-form-urlencoded'])),
  'no type': () => ask(create('{}', [])),
  'an unknown charset': () =>
    ask(create('{}', ['Content-Type', 'application/json; charset=klingon'])),
  'an unknown encoding': () => ask(create('{}', [...type, 'Content-Encoding', 'zstd'])),
  'a broken encoding': () => ask(create('not gzip', [...type, 'Content-Encoding', 'gzip'])),
  'a cut encoding': () =>
    ask(create(gzipSync('{}'.repeat(50)).subarray(0, 20), [...type, 'Content-Encoding', 'gzip'])),
  'deep nesting': () => ask(create(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)),
  'a NUL': () => ask(create(anOrder({ name: 'a\0' }))),
  'a prototype': () => ask(create('{"__proto__":{}}')),
  'fields of other types': () => ask(create({ orderId: [], amount: {}, email: 1, name: null })),
  'a member too many': () =>
    ask(write(`/admin/orders/${shop.paidOrder}/refunds`, { reason: 'x', more: 1 })),
  'a path that cannot be decoded': () => ask(look(`/orders/%E0%A4%A/status?tenant=${shop.slug}`)),
  'a NUL in a path': () => ask(look(`/orders/%00/status?tenant=${shop.slug}`)),
  'an id of another form': () => ask(look('/admin/reconciliations/1')),
  'a broken cursor': () => ask(look('/admin/customers?cursor=%7B')),
  'a limit too large': () => ask(look('/admin/customers?limit=100000')),
  'days in no order': () => ask(look('/admin/stats?from=2026-02-01&to=2026-01-01')),
  'an unknown order': () => ask(look(`/orders/UNKNOWN/status?tenant=${shop.slug}`)),
  'another content': () => ask(create(anOrder({ orderId: shop.pendingOrder, amount: 1 }))),
  'a used-up month': async () => {
    const question = await full({ max_orders_per_month: 1 });
    await ask(question);
    return ask({ ...question, body: JSON.stringify(anOrder()) });
  },
  'a refund of nothing': () =>
    ask(write(`/admin/orders/${shop.pendingOrder}/refunds`, { reason: 'x' })),
  'a refund too large': async () =>
    ask(write(`/admin/orders/${await paid()}/refunds`, { reason: 'x', amount: 999_999 })),
  'a refund that the provider refuses': async () => {
    const path = `/admin/orders/${await paid()}/refunds`;
    return whileProvider(changes, 412, () => write(path, { reason: 'x' }));
  },
  'a refund of unknown outcome': async () => {
    const path = `/admin/orders/${await paid()}/refunds`;
    return whileProvider(silent, 0, () => write(path, { reason: 'x' }));
  },
  'a cancel that cannot be': async () => {
    const path = `/admin/orders/${await paid()}/capture`;
    return ask(write(path, {}));
  },
  'an unknown item': () => ask(write(`/admin/attention/${randomUUID()}/resolve`, { note: 'x' })),
  'an unknown reconciliation': () => ask(look(`/admin/reconciliations/${randomUUID()}`)),
  'a second reconciliation': async () => {
    await ask(write('/admin/reconciliations', recentDays()));
    return ask(write('/admin/reconciliations', recentDays()));
  },
  'a window too long': () =>
    ask(write('/admin/reconciliations', { from: '2020-01-01', to: '2026-01-01' })),
  'an idempotency key that is none': () =>
    ask(create(anOrder(), [...type, 'Idempotency-Key', 'k'.repeat(300)])),
  'an idempotency key that stands for another request': async () => {
    const key = ['Idempotency-Key', randomUUID()];
    await ask(create(anOrder(), [...type, ...key]));
    return ask(create(anOrder(), [...type, ...key]));
  },
  'credentials that the provider refuses': () =>
    whileProvider(creates, 401, () => create(anOrder())),
  'a payment that the provider refuses': () => whileProvider(creates, 400, () => create(anOrder())),
  'a provider that fails': () => whileProvider(creates, 500, () => create(anOrder())),
  'a provider that is silent': () => whileProvider(silent, 0, () => create(anOrder())),
  'no provider': async () => ask(await keyless()),
  'a notification without form': () => ask(notify({ order_id: 1 })),
  'a notification that is not signed': () =>
    ask(notify({ ...shop.signed({}), signature_key: 'x' })),
  'a table that is gone': () =>
    whileBroken(
      'alter table customers rename to gone',
      'alter table gone rename to customers',
      look('/admin/customers'),
    ),
  'a right that is gone': () =>
    whileBroken(
      'revoke select on customers from kassa_app',
      'grant select on customers to kassa_app',
      look('/admin/customers'),
    ),
  'a check that fails': () =>
    whileBroken(
      `alter table customers add constraint "secret check" check (name <> 'Siti Rahma') not valid`,
      'alter table customers drop constraint "secret check"',
      create(anOrder({ email: `${randomUUID()}@shop.example` })),
    ),
  'a database that takes nobody': () =>
    whileBroken(
      `do $$ begin execute format('alter database %I connection limit 0', current_database()); perform pg_terminate_backend(pid) from pg_stat_activity where usename in ('kassa_app', 'kassa_platform') and datname = current_database(); end $$`,
      `do $$ begin execute format('alter database %I connection limit -1', current_database()); end $$`,
      look('/admin/customers'),
    ),
};

const members = [
  'success',
  'type',
  'title',
  'status',
  'detail',
  'code',
  'retryable',
  'requestId',
  'errors',
];
/** Words of what an answer is made by, and not about. */
const innards =
  /node_modules|\.ts\b|\bat \w+ \(|\bpg_|postgres|kassa_|sqlstate|select |insert |relation|column |constraint|permission denied|stack|ECONN|socket|127\.0\.0\.1|SB-Mid|sk_test_|secret check|\[object|Express|Node\.js/i;

attack('A37', 'an error says what to do, and nothing of how it is made', async (tally) => {
  for (const [kind, provoke] of Object.entries(kinds)) {
    const answer = await provoke();
    tally.tried(kind, faultOf(answer));
  }
  tally.note(`${Object.keys(kinds).length} kinds of error`);
});

function faultOf({ status, headers, text }: Answer): string | undefined {
  if (status < 400) return `it is no error: ${status} ${text}`;
  if (!headers['content-type']?.startsWith('application/problem+json'))
    return `it is ${headers['content-type']}`;
  const body: Record<string, unknown> = JSON.parse(text);
  const odd = Object.keys(body).filter((name) => !members.includes(name));
  if (odd.length > 0) return `it holds ${odd}`;
  if (typeof body.requestId !== 'string' || body.requestId !== headers['x-request-id'])
    return 'it has no request id';
  const told = innards.exec(JSON.stringify({ ...body, requestId: '' }))?.[0];
  if (told) return `it tells of ${told}: ${text}`;
  if (headers['x-powered-by'] ?? headers.server) return 'it names its server';
  return undefined;
}
