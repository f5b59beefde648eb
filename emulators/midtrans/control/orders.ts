import { type Request, type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Accounts } from '../accounts.ts';
import type { CardPayments } from '../card-payments.ts';
import { demoCard, otp, planCard } from '../cards.ts';
import type { Checkout, Checkouts } from '../checkouts.ts';
import type { Clock } from '../clock.ts';
import { expandMethods, getMethod } from '../methods.ts';
import type { Payments } from '../payments.ts';
import type { RefundRules } from '../refund-rules.ts';
import type { Refunds } from '../refunds.ts';
import { Refusal } from '../refusal.ts';
import { isChallenged } from '../statuses.ts';
import type { Transaction, Transactions } from '../transactions.ts';
import { transactionView } from './books.ts';
import { parseBody } from './parse.ts';

type Parts = {
  accounts: Accounts;
  checkouts: Checkouts;
  transactions: Transactions;
  payments: Payments;
  cardPayments: CardPayments;
  refunds: Refunds;
  refundRules: RefundRules;
  clock: Clock;
};

/** Two merchants may use one order id; without either of these the newest order is meant. */
const Chooser = z.strictObject({
  serverKey: z.string().min(1).optional(),
  merchantId: z.string().min(1).optional(),
});
type Chooser = z.infer<typeof Chooser>;
const Choice = Chooser.extend({
  method: z.string().min(1).optional(),
  device: z.enum(['phone', 'desktop']).default('phone'),
  card: z.string().default(demoCard),
});
const outcomes = ['paid', 'pending', 'deny', 'expire', 'cancel'] as const;
const Pay = Choice.extend({ outcome: z.enum(outcomes).default('paid') });
const Amount = z.int().min(1).optional();
const RefundOrder = Chooser.extend({
  amount: Amount,
  refundKey: z.string().min(1).max(255).optional(),
  reason: z.string().max(255).optional(),
});
const RefundDecision = Chooser.extend({
  refundKey: z.string().min(1).max(255),
  verdict: z.enum(['confirm', 'refuse']),
});
const Capture = Chooser.extend({ amount: Amount });
const Chargeback = Capture.extend({ reason: z.string().max(255).optional() });
const Fee = Chooser.extend({ amount: z.int().min(0).max(1_000_000_000) });

/** What people and banks do to orders, without a browser. */
export function orderRoutes(parts: Parts): Router {
  const { accounts, checkouts, transactions, payments, cardPayments } = parts;
  const { refunds, refundRules, clock } = parts;

  function checkoutOf(orderId: string, { serverKey, merchantId }: Chooser): Checkout {
    const chosen = serverKey === undefined ? merchantId : merchantOf(serverKey);
    const checkout = checkouts.findNewest(orderId, chosen);
    if (!checkout) throw new Refusal('order-not-found', `There is no order ${orderId}.`);
    return checkout;
  }

  function merchantOf(serverKey: string): string {
    const account = accounts.authenticate(serverKey);
    if (!account) throw new Refusal('account-not-found', 'No account has this key.');
    return account.merchantId;
  }

  function attempts({ merchantId, orderId }: Checkout): Transaction[] {
    return transactions.listOfOrder(merchantId, orderId);
  }

  function pendingOf(checkout: Checkout): Transaction | undefined {
    return attempts(checkout).findLast(({ status }) => status === 'pending');
  }

  /** The pending attempt, or else the one that the Core API would show. */
  function attemptOf(checkout: Checkout): Transaction {
    const { merchantId, orderId } = checkout;
    const found = pendingOf(checkout) ?? transactions.find(merchantId, orderId);
    if (!found)
      throw new Refusal('transaction-not-found', `Nothing was chosen for ${orderId} yet.`);
    return found;
  }

  function choose(checkout: Checkout, choice: z.infer<typeof Choice>): Transaction {
    const offered = expandMethods(checkout.request.enabledPayments);
    const code = choice.method ?? offered[0] ?? 'credit_card';
    if (!offered.includes(code)) {
      throw new Refusal('order-not-payable', `This order does not offer ${code}.`);
    }
    if (code !== 'credit_card') return payments.choose(checkout, getMethod(code), choice.device);
    const entry = { number: choice.card, cvv: '123', expiry: nextYear(clock.now()) };
    const plan = planCard(entry, { amount: checkout.grossAmount, now: clock.now() });
    if ('problem' in plan) throw new Refusal('bad-request', plan.problem);
    return payments.chooseCard(checkout, plan);
  }

  function pay(checkout: Checkout, order: z.infer<typeof Pay>): Transaction {
    const pending = pendingOf(checkout);
    if (pending && order.method !== undefined && order.method !== pending.method) {
      throw new Refusal('order-not-payable', `The order is pending by ${pending.method} already.`);
    }
    const attempt = pending ?? choose(checkout, order);
    // Some test cards are decided at once or by their bank, whatever is wished for here.
    if (attempt.status !== 'pending' || attempt.step === 'delayed') return attempt;
    switch (order.outcome) {
      case 'pending':
        return attempt;
      case 'paid':
        return attempt.step === 'otp' ? payments.confirmOtp(attempt, otp) : payments.pay(attempt);
      case 'deny':
        return payments.deny(attempt);
      case 'expire':
        return payments.expire(attempt);
      case 'cancel':
        return payments.cancel(attempt);
      default:
        throw new Error(`No such outcome: ${order.outcome satisfies never}`);
    }
  }

  /** An action that parses its body by `schema` and answers the transaction that came of it. */
  function acting<Schema extends z.ZodType<Chooser>>(
    schema: Schema,
    act: (checkout: Checkout, order: z.infer<Schema>) => Transaction,
  ): RequestHandler<{ orderId: string }> {
    return (req, res) => {
      const order = parseBody(schema, req as Request);
      const done = act(checkoutOf(req.params.orderId, order), order);
      res.json(transactionView(done, refunds));
    };
  }

  const router = Router();
  router.post('/:orderId/pay', acting(Pay, pay));
  router.post('/:orderId/choose', acting(Choice, choose));
  router.post(
    '/:orderId/deny',
    acting(Chooser, (checkout) => {
      const attempt = attemptOf(checkout);
      return isChallenged(attempt) ? cardPayments.reject(attempt) : payments.deny(attempt);
    }),
  );
  router.post(
    '/:orderId/expire',
    acting(Chooser, (checkout) => payments.expire(attemptOf(checkout))),
  );
  router.post(
    '/:orderId/cancel',
    acting(Chooser, (checkout) => payments.cancel(attemptOf(checkout))),
  );
  router.post(
    '/:orderId/reverse',
    acting(Chooser, (checkout) => payments.reverse(attemptOf(checkout))),
  );
  router.post(
    '/:orderId/refund',
    acting(RefundOrder, (checkout, order) => {
      return refundRules.refund(attemptOf(checkout), order).transaction;
    }),
  );
  router.post(
    '/:orderId/decide-refund',
    acting(RefundDecision, (checkout, { refundKey, verdict }) => {
      return refundRules.decideByKey(attemptOf(checkout), refundKey, verdict);
    }),
  );
  router.post(
    '/:orderId/approve',
    acting(Chooser, (checkout) => cardPayments.approve(attemptOf(checkout))),
  );
  router.post(
    '/:orderId/capture',
    acting(Capture, (checkout, { amount }) => cardPayments.capture(attemptOf(checkout), amount)),
  );
  router.post(
    '/:orderId/chargeback',
    acting(Chargeback, (checkout, order) => cardPayments.chargeBack(attemptOf(checkout), order)),
  );
  router.post('/:orderId/fee', (req, res) => {
    const order = parseBody(Fee, req);
    checkouts.imposeFee(checkoutOf(req.params.orderId, order).token, order.amount);
    res.json({ fee: order.amount });
  });
  router.post(
    '/:orderId/settle-late',
    acting(Chooser, (checkout) => {
      const expired = attempts(checkout).findLast(({ status }) => status === 'expire');
      return payments.settleLate(expired ?? attemptOf(checkout));
    }),
  );
  router.post(
    '/:orderId/pay-besides',
    acting(Chooser, (checkout) => payments.payBesides(attemptOf(checkout))),
  );
  return router;
}

function nextYear(now: number): string {
  const year = new Date(now).getUTCFullYear() + 1;
  return `12/${String(year).slice(-2)}`;
}
