import { Router } from 'express';
import { z } from 'zod';
import { type Books, nextChange } from '../books.ts';
import type { Checkout, Checkouts } from '../checkouts.ts';
import type { Clock } from '../clock.ts';
import { type Refunds, refundedOf } from '../refunds.ts';
import type { SettingsStore } from '../settings.ts';
import type { Transaction, Transactions } from '../transactions.ts';
import { parse } from './parse.ts';

type Parts = {
  books: Books;
  checkouts: Checkouts;
  clock: Clock;
  refunds: Refunds;
  settings: SettingsStore;
  transactions: Transactions;
};

const longestList = 100_000;
const Filter = z.strictObject({
  orderId: z.string().optional(),
  merchantId: z.string().optional(),
  since: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(longestList).default(longestList),
});

/** The truth that a checker compares other books with. */
export function bookRoutes(parts: Parts): Router {
  const { books, checkouts, clock, refunds, settings, transactions } = parts;
  const router = Router();
  router.get('/books', (req, res) => {
    const filter = parse(Filter, req.query);
    const found = transactions.list(filter);
    const tokens = checkouts.list(filter);
    const lists: readonly (readonly { changed: number }[])[] = [found, tokens];
    const cut = lists.filter(({ length }) => length === filter.limit);
    // Where a list was cut, the next call goes on from there; else from the newest change of all.
    const ends = cut.flatMap((list) => list.slice(-1)).map(({ changed }) => changed);
    res.json({
      cursor: ends.length > 0 ? Math.min(...ends) : newestChange(),
      transactions: found.map((transaction) => transactionView(transaction, refunds)),
      tokens: tokens.map(checkoutView),
    });
  });
  router.post('/reset', (_req, res) => {
    books.wipe();
    clock.reload();
    settings.reload();
    res.json({ reset: true });
  });

  function newestChange(): number {
    const row = books.get<{ next: number }>(`select ${nextChange} as next`);
    return (row?.next ?? 1) - 1;
  }

  return router;
}

/** How the control API shows a transaction: Midtrans' names, but amounts as whole numbers. */
export function transactionView(transaction: Transaction, refunds: Refunds) {
  const { transactionId, captured, status } = transaction;
  const asked = refunds.listOf(transactionId);
  const chargebacks = refunds.chargebacksOf(transactionId);
  const refunded = refundedOf(asked);
  const chargedBack = chargebacks.reduce((sum, { amount }) => sum + amount, 0);
  // What was captured and then cancelled, or denied by a person or by a reversing bank.
  const undone = status === 'cancel' || status === 'deny' ? captured : 0;
  return {
    order_id: transaction.orderId,
    transaction_id: transactionId,
    merchant_id: transaction.merchantId,
    token: transaction.token,
    status,
    fraud_status: transaction.fraudStatus,
    currency: 'IDR',
    gross_amount: transaction.grossAmount,
    fee: transaction.fee,
    captured_amount: captured,
    refunded_amount: refunded,
    charged_back_amount: chargedBack,
    undone_amount: undone,
    net_amount: captured - refunded - chargedBack - undone,
    method: transaction.method,
    payment_type: transaction.paymentType,
    created_at: isoTime(transaction.createdAt),
    expires_at: isoTime(transaction.expiresAt),
    captured_at: isoTime(transaction.capturedAt),
    settled_at: isoTime(transaction.settledAt),
    changed_at: isoTime(transaction.changedAt),
    refunds: asked.map((refund) => ({
      refund_key: refund.refundKey,
      amount: refund.amount,
      reason: refund.reason,
      state: refund.state,
      created_at: isoTime(refund.createdAt),
      confirmed_at: refund.state === 'confirmed' ? isoTime(refund.decidedAt) : undefined,
      refused_at: refund.state === 'refused' ? isoTime(refund.decidedAt) : undefined,
    })),
    chargebacks: chargebacks.map(({ amount, reason, createdAt }) => {
      return { amount, reason, created_at: isoTime(createdAt) };
    }),
  };
}

function checkoutView(checkout: Checkout) {
  return {
    token: checkout.token,
    merchant_id: checkout.merchantId,
    order_id: checkout.orderId,
    gross_amount: checkout.grossAmount,
    state: checkout.state,
    created_at: isoTime(checkout.createdAt),
    expires_at: isoTime(checkout.expiresAt),
  };
}

function isoTime(moment: number | undefined): string | undefined {
  return moment === undefined ? undefined : new Date(moment).toISOString();
}
