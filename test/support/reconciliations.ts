import { expect } from 'vitest';
import type { DifferenceView, ReconciliationView } from '../../src/contracts/reconciliations.ts';
import { localDate } from '../../src/domain/local-time.ts';
import type { Progress } from '../../src/services/reconciliation-batches.ts';
import type { Answer, Gateway, Merchant } from './gateway.ts';

type Sender = { readonly from?: Merchant; readonly key?: string };
type Window = { readonly from: string; readonly to: string };

/** Today and yesterday in Jakarta: whatever a test makes is in it, also around midnight. */
export function recentDays(): Window {
  const dayOf = (at: number) => localDate(new Date(at), 'Asia/Jakarta').day;
  return { from: dayOf(Date.now() - 86_400_000), to: dayOf(Date.now()) };
}

/** A merchant's desk for reconciliations, with the worker's part done by hand. */
export function openReconciliationDesk(gateway: Gateway, merchant: Merchant) {
  const { reconciliationBatches: batches } = gateway.services;

  function headersOf({ from = merchant, key }: Sender): Record<string, string> {
    return {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${from.secretKey}`,
      ...(key && { 'Idempotency-Key': key }),
    };
  }

  function get(path: string, sender: Sender = {}): Promise<Answer> {
    return gateway.send(`/admin/reconciliations${path}`, { headers: headersOf(sender) });
  }

  function post(path: string, body: unknown, sender: Sender = {}): Promise<Answer> {
    const init = { method: 'POST', headers: headersOf(sender), body: JSON.stringify(body) };
    return gateway.send(`/admin/reconciliations${path}`, init);
  }

  async function begin(window: Window = recentDays()): Promise<ReconciliationView> {
    const answer = await post('', window);
    expect(answer.status).toBe(202);
    return answer.body.reconciliation as ReconciliationView;
  }

  /** One batch, as a job does it. */
  async function work(id: string, options: { batch?: number; askingMs?: number } = {}) {
    const tenant = await gateway.tenantOf(merchant.slug);
    return batches.work(tenant, { id: id as never, ...options });
  }

  /** All batches to the end, without the pauses between them; answers how each one went. */
  async function workToEnd(id: string): Promise<Progress[]> {
    const steps: Progress[] = [];
    while (steps.at(-1) !== 'over') steps.push(await work(id));
    return steps;
  }

  async function report(id: string) {
    const { status, body } = await get(`/${id}`);
    expect(status).toBe(200);
    return {
      ...(body.reconciliation as ReconciliationView),
      differences: body.differences as DifferenceView[],
    };
  }

  return {
    get,
    post,
    begin,
    work,
    workToEnd,
    report,
    /** A run over what the test made, from its beginning to its report. */
    async reconcile() {
      const { id } = await begin();
      await workToEnd(id);
      return report(id);
    },
    /** As if nothing had changed for an hour. */
    async settle(): Promise<void> {
      await gateway.admin.query(
        `update payments set updated_at = updated_at - interval '1 hour' where tenant_id = $1`,
        [merchant.id],
      );
    },
    /** Pages that nobody used, in bulk: the provider knows nothing of them. */
    async addPages(count: number): Promise<void> {
      await gateway.admin.query(addPagesText, [merchant.id, count]);
    },
    async attention(): Promise<string | null> {
      const items = await merchant.attention();
      return items.length === 0 ? null : items.map(({ detail }) => detail).join('\n');
    },
    /** What is off in the merchant's ledger. */
    async findings() {
      return gateway.services.ledger.check(await gateway.tenantOf(merchant.slug));
    },
  };
}

/** $1: the tenant, $2: how many. */
export const addPagesText = `
  with shopper as (
    insert into customers (tenant_id, email, name)
    values ($1, 'many-' || gen_random_uuid() || '@shop.example', 'Many') returning id),
  made as (
    insert into orders (tenant_id, order_id, customer_id, amount, currency, customer_name,
                        content_hash, business_day)
    select $1, 'MANY-' || gen_random_uuid(), id, 1000, 'IDR', 'Many', '\\x00', current_date
      from shopper, generate_series(1, $2::int)
    returning id, order_id)
  insert into payments (tenant_id, order_id, provider, provider_reference, status, amount, currency,
                        token, expires_at, next_check_at)
  select $1, id, 'midtrans', order_id, 'pending', 1000, 'IDR', order_id, now() + interval '1 day',
         now() + interval '1 day'
    from made`;
