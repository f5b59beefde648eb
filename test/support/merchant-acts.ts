import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { recentDays } from './reconciliations.ts';
import { type HttpAnswer, send } from './system.ts';

export type Random = () => number;
export type Shop = {
  readonly slug: string;
  readonly serverKey: string;
  readonly secretKey: string;
};
type Call = { readonly path: string; readonly body: object; readonly key?: string | undefined };

/** How often a client asks again, and how long it waits before that. */
const patience = { tries: 6, pauseMs: 300 } as const;

/** A merchant's clients, who repeat whatever they were told to repeat, or had no answer to. */
export function openClients(serverUrl: () => string) {
  /** Undefined when there was no answer. */
  async function post({ secretKey }: Shop, { path, body, key }: Call) {
    const headers = {
      Authorization: `Bearer ${secretKey}`,
      ...(key && { 'Idempotency-Key': key }),
    };
    const answer = await send(`${serverUrl()}${path}`, { headers, body }).catch(() => undefined);
    if (answer?.status === 400 || answer?.status === 401) throw new Error(JSON.stringify(answer));
    return answer;
  }

  async function postUntilAnswered(shop: Shop, call: Call): Promise<HttpAnswer | undefined> {
    let answer: HttpAnswer | undefined;
    for (let tries = 0; tries < patience.tries; tries += 1) {
      answer = await post(shop, call);
      const isFinal = answer && answer.status < 500 && !isBusy(answer);
      if (isFinal) return answer;
      await sleep(patience.pauseMs);
    }
    return answer;
  }

  /** Up to three refunds, of parts or of all, some of them sent again after they were answered. */
  async function refund(shop: Shop, orderId: string, random: Random): Promise<void> {
    const times = 1 + Math.floor(random() * 3);
    for (let n = 0; n < times; n += 1) {
      const amount = random() < 0.4 ? undefined : 1_000 + Math.floor(random() * 20_000);
      const call = {
        path: `/admin/orders/${orderId}/refunds`,
        body: { reason: `number ${n}`, ...(amount && { amount }) },
        key: random() < 0.6 ? randomUUID() : undefined,
      };
      const first = await postUntilAnswered(shop, call);
      if (call.key && random() < 0.5) expectSame(first, await postUntilAnswered(shop, call));
    }
  }

  async function act(shop: Shop, orderId: string, word: 'cancel' | 'capture', random: Random) {
    await postUntilAnswered(shop, {
      path: `/admin/orders/${orderId}/${word}`,
      body: { reason: 'torture' },
      key: random() < 0.5 ? randomUUID() : undefined,
    });
  }

  /** Begins a reconciliation; the id of the one that runs now. */
  async function reconcile(shop: Shop): Promise<string | undefined> {
    const call = { path: '/admin/reconciliations', body: recentDays() };
    const answer = await post(shop, call);
    const run = answer?.body.reconciliation as { id: string } | undefined;
    return run?.id;
  }

  return { refund, act, reconcile };
}

/** What a conflict says is over soon. */
function isBusy({ status, body }: HttpAnswer): boolean {
  return status === 409 && (body as { retryable?: boolean }).retryable === true;
}

function expectSame(first: HttpAnswer | undefined, again: HttpAnswer | undefined): void {
  // While nobody knows the outcome, or nobody answers, there is nothing to repeat.
  if (!first || !again || first.status >= 500 || again.status >= 500) return;
  const [one, other] = [first, again].map(({ status, body }) => ({
    status,
    refund: (body as { refund?: { id: string } }).refund?.id,
  }));
  if (one?.status === other?.status && one?.refund === other?.refund) return;
  throw new Error(`One key, two answers: ${JSON.stringify(first)} ${JSON.stringify(again)}`);
}
