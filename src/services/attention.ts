import type {
  AttentionItemReply,
  AttentionItemView,
  AttentionListReply,
  AttentionQuery,
} from '../contracts/attention.ts';
import { pageOf } from '../contracts/pages.ts';
import type { Db, TenantTx } from '../db/database.ts';
import { attentionSentences } from '../domain/attention.ts';
import type { Origin } from '../domain/caller.ts';
import type { AttentionItemId } from '../domain/ids.ts';
import { hasMoney } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import { isRefundable } from '../domain/refunds.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { AttentionItem } from '../repositories/attention-items.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as orderEvents from '../repositories/order-events.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';

type Resolution = {
  readonly id: AttentionItemId;
  readonly note: string;
  readonly origin: Origin;
};

export type AttentionService = ReturnType<typeof createAttentionService>;

/** What waits for a person, and how that person is done with it. */
export function createAttentionService({ db }: { db: Db }) {
  async function list(tenant: Tenant, query: AttentionQuery): Promise<AttentionListReply> {
    const { status, cursor: after, limit } = query;
    return db.withTenant(tenant.id, async (tx) => {
      const found = await attentionItems.list(tx, { status, after, limit: limit + 1 });
      const { items, next } = pageOf(found, limit, ({ position }) => position);
      return { success: true, items: items.map(toView), next };
    });
  }

  /**
   * Takes an item off the list, with a note of what was done. One that is off it stays as it is.
   *
   * @throws Problem `attention-item-not-found`
   */
  async function resolve(
    tenant: Tenant,
    { id, note, origin }: Resolution,
  ): Promise<AttentionItemReply> {
    return db.withTenant(tenant.id, async (tx) => {
      const found = await attentionItems.find(tx, id);
      if (!found) throw notFound(id);
      // In the same order as whoever puts something on the list: the order first.
      await orders.lock(tx, found.orderId);
      if (await attentionItems.resolve(tx, id, note)) {
        await orderEvents.append(tx, {
          orderId: found.orderId,
          kind: 'attention-resolved',
          source: 'api',
          reference: found.reason,
          detail: note,
          requestId: origin.requestId,
        });
        await auditEntries.append(tx, tenant.id, origin, {
          action: 'attention.resolved',
          subject: { kind: 'attention-item', id },
          after: { order: found.reference, reason: found.reason },
        });
      }
      const item = await attentionItems.find(tx, id);
      if (!item) throw notFound(id);
      return { success: true, item: toView(item) };
    });
  }

  return { list, resolve };
}

/**
 * Puts an order before a person when a payment takes money although another one has done so, and
 * takes that back once not more than one still has it. `before` is a payment as it was before its
 * change, `all` are the order's as they are. The caller holds the order's lock.
 */
export async function watchDoublePayment(
  tx: TenantTx,
  before: Payment,
  all: readonly Payment[],
): Promise<void> {
  if (all.length < 2) return;
  const { id: paymentId, orderId } = before;
  const reason = 'paid-twice';
  const hadMoney = isRefundable(before.status);
  const keeping = all.filter(({ status }) => isRefundable(status));
  const hasMoneyNow = keeping.some(({ id }) => id === paymentId);
  const took = all.filter(({ status }) => hasMoney(status));
  if (!hadMoney && hasMoneyNow && took.length > 1) {
    const names = took.map(({ transactionId, reference }) => transactionId ?? reference);
    const detail = `These transactions all paid the order: ${names.join(', ')}.`;
    await attentionItems.raise(tx, { orderId, paymentId, reason, detail });
  }
  if (hadMoney && !hasMoneyNow && keeping.length < 2) {
    const detail = 'Not more than one payment still has its money.';
    await attentionItems.settle(tx, { orderId, reason, detail });
  }
}

function notFound(id: AttentionItemId): Problem {
  return new Problem('attention-item-not-found', `There is no item ${id} on the list.`);
}

function toView(item: AttentionItem): AttentionItemView {
  const { id, reference, money, reason, detail, createdAt, resolution } = item;
  return {
    id,
    orderId: reference,
    amount: Number(money.amount),
    currency: money.currency,
    reason,
    sentence: attentionSentences[reason],
    detail,
    since: createdAt.toISOString(),
    resolvedBy: resolution?.by ?? null,
    resolvedAt: resolution?.at.toISOString() ?? null,
    note: resolution?.note ?? null,
  };
}
