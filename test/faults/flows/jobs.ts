import type { Topic } from '../../../src/domain/jobs.ts';
import { localDate } from '../../../src/domain/local-time.ts';
import { forgetJob, insist, listJobs, runJob, settleDown } from '../support/quiet.ts';
import type { World } from '../support/world.ts';
import { anyOrder, createOrder, payUnheard, slowNews } from './orders.ts';
import type { Flow, Story } from './story.ts';

/** One run of the only job of a topic, by the worker that would be free for it. */
async function runOf(world: World, topic: Topic) {
  const [row, ...further] = await listJobs(world, topic);
  if (!row || further.length > 0) throw new Error(`There is not one job of ${topic}.`);
  await world.outside.lapse();
  let isDead = false;
  return {
    isDead: () => isDead,
    act: () =>
      world.withHandlers(async (handlers) => {
        const end = await runJob(handlers, row);
        isDead = end === 'dead';
        if (end !== 'left') await forgetJob(world, row);
      }),
  };
}

/** The first page's transfer comes after all, while a second page is open. */
async function payLate(world: World): Promise<string> {
  const order = anyOrder();
  const { orderId } = order;
  const create = () => insist(world, { path: '/payment/create', body: order });
  await create();
  await world.outside.onOrder(orderId, 'choose', { method: 'bca_va' });
  await world.outside.onOrder(orderId, 'expire');
  await world.outside.deliver();
  await settleDown(world);
  await create();
  await world.outside.onOrder(orderId, 'settle-late');
  await world.outside.deliver();
  return orderId;
}

const ending: Flow = {
  name: 'payment-end',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await payLate(world);
    const { act } = await runOf(world, 'payment-end');
    return { orderId, act, end: 'paid', findWrongs: () => findOpenPages(world) };
  },
};

/** Whoever still has a page of a paid order must not be able to pay it. */
async function findOpenPages(world: World): Promise<string[]> {
  const { rows } = await world.admin.query<{ reference: string }>(
    'select provider_reference as reference from payments',
  );
  const books = await Promise.all(rows.map((row) => world.outside.readBooks(row.reference)));
  const used = new Set(books.flatMap(({ transactions }) => transactions.map((t) => t.token)));
  return books
    .flatMap(({ tokens }) => tokens)
    .filter(({ token, state }) => state === 'open' && !used.has(token))
    .map(({ token }) => `page ${token} is still open`);
}

const confirming: Flow = {
  name: 'notification-confirm',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await slowNews(world);
    const { act } = await runOf(world, 'notification-confirm');
    return { orderId, act, end: 'paid' };
  },
};

/** Paid, and nobody told us: whoever asks the provider about every payment finds it. */
const reconciling: Flow = {
  name: 'reconcile',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await payUnheard(world);
    const { day } = localDate(new Date(), 'Asia/Jakarta');
    const body = { from: day, to: day };
    const path = '/admin/reconciliations';
    await insist(world, { path, body, key: `reconcile ${orderId}` });
    const { act } = await runOf(world, 'reconcile');
    return { orderId, act, end: 'paid', findWrongs: () => findUnreconciled(world) };
  },
};

/** The run ends, with every question answered and every difference mended. */
async function findUnreconciled({ admin }: World): Promise<string[]> {
  const { rows } = await admin.query<{ wrong: string }>(
    `select 'the run is ' || status || ' with ' || unanswered || ' unanswered' as wrong
       from reconciliations where status <> 'done' or unanswered > 0
      union all
     select what || ' is ' || resolution from reconciliation_differences
      where resolution = 'open'`,
  );
  return rows.map(({ wrong }) => wrong);
}

/** At least once, as the same mail, or a dead letter; and the order stays what it is. */
const mailing: Flow = {
  name: 'order-mail',
  kinds: ['sql', 'mail'],
  async begin(world): Promise<Story> {
    const orderId = await createOrder(world);
    const { act, isDead } = await runOf(world, 'order-mail');
    return {
      orderId,
      act,
      end: 'pending',
      async findWrongs() {
        const mails = await world.outside.mailsTo('shopper@shop.example');
        const ids = new Set(mails.map(({ headers }) => idIn(headers)));
        if (mails.length > 0) return ids.size === 1 ? [] : [`${ids.size} different mails`];
        return isDead() ? [] : ['no mail and no dead letter'];
      },
    };
  },
};

function idIn(headers: readonly { readonly name: string; readonly value: string }[]) {
  return headers.find(({ name }) => name.toLowerCase() === 'message-id')?.value;
}

export const jobFlows: readonly Flow[] = [ending, confirming, reconciling, mailing];
