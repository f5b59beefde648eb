import { randomUUID } from 'node:crypto';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Accounts } from './accounts.ts';
import { amountText, coreBody, type Subjects } from './bodies.ts';
import { accountOf, authenticated } from './caller.ts';
import type { CardPayments } from './card-payments.ts';
import type { FaultScope, Faults, FaultWords } from './faults.ts';
import type { Payments } from './payments.ts';
import type { RefundOutcome, RefundRules } from './refund-rules.ts';
import { clientErrorStatus, notModifiable, Refusal } from './refusal.ts';
import type { Transaction, Transactions } from './transactions.ts';

type Parts = {
  accounts: Accounts;
  transactions: Transactions;
  payments: Payments;
  cardPayments: CardPayments;
  refundRules: RefundRules;
  subjectOf: Subjects;
  faults: Faults;
};

/** Midtrans takes an amount as a number or as its digits; NaN is refused like a wrong amount. */
const Amount = z.union([z.number(), z.string().transform((text) => Number(text))]);
const RefundBody = z
  .object({
    refund_key: z
      .string()
      .max(255)
      .regex(/^[A-Za-z0-9_-]+$/)
      .nullish(),
    amount: Amount.nullish(),
    reason: z.string().max(255).nullish(),
  })
  .nullish();
const CaptureBody = z.object({
  transaction_id: z.string(),
  gross_amount: Amount.pipe(z.int()).nullish(),
});
/** The history of an order; what is no number falls back to how Midtrans pages by itself. */
const Paging = z.object({
  page: z.coerce.number().int().min(0).catch(0),
  per_page: z.coerce.number().int().min(1).max(100).catch(10),
});

const unauthorized = {
  status_code: '401',
  status_message: 'Transaction cannot be authorized with the current client/server key.',
};
const invalid = 'One or more parameters in the payload is invalid.';
const words: FaultWords = {
  unauthorized,
  failure: (httpStatus) =>
    answer(
      String(httpStatus),
      'Sorry, we encountered internal server error. We will fix this soon.',
    ),
};

/**
 * The Core API, which answers nearly everything with HTTP 200 and tells the outcome by a string in
 * the body. Only a wrong key and a body that is no JSON are told by HTTP.
 */
export function coreRoutes(parts: Parts): Router {
  const { accounts, payments, cardPayments } = parts;
  const { status, history, changing, refunding, capture } = createActions(parts);
  const router = Router();
  router.use(authenticated(accounts, (res) => void res.status(401).json(unauthorized)));
  // Not strict: the official client sends the four bytes `null` where it has nothing to say.
  router.use(express.json({ strict: false, limit: '64kb' }));

  const cancel = changing(payments.cancel, { message: 'Success, transaction is canceled' });
  const expire = changing(payments.expire, { message: 'Success, transaction has expired' });
  const approve = changing(cardPayments.approve, { message: 'Success, transaction is approved' });
  // The call went well, so it is not answered by the code that a denied payment has elsewhere.
  const denied = { message: 'Success, transaction is denied', code: '200' };
  const deny = changing(cardPayments.reject, denied);
  const message = 'Success, refund request is approved';
  const refund = refunding({ isDirect: false, message });
  const refundDirectly = refunding({ isDirect: true, message: `${message} by the bank` });

  const gate = (scope: FaultScope) => parts.faults.gate(scope, words);
  router.get('/:id/status', gate('core.status'), status);
  router.get('/:id/status/b2b', gate('core.status'), history);
  router.post('/capture', gate('core.capture'), capture);
  router.post('/:id/cancel', gate('core.cancel'), cancel);
  router.post('/:id/expire', gate('core.expire'), expire);
  router.post('/:id/refund', gate('core.refund'), refund);
  router.post('/:id/refund/online/direct', gate('core.refund'), refundDirectly);
  router.post('/:id/approve', gate('core.approve'), approve);
  router.post('/:id/deny', gate('core.deny'), deny);
  router.use((_req, res) => void res.status(404).json(answer('404', 'There is no such path.')));
  router.use(answerBadBody);
  return router;
}

/** What the calls do; each gives a handler. */
function createActions({ transactions, cardPayments, refundRules, subjectOf }: Parts) {
  /** Finds the caller's own transaction and answers about it, or that there is none. */
  function reading(act: (transaction: Transaction, req: Request) => unknown) {
    return (req: Request, res: Response) => {
      const id = req.params.id;
      const { merchantId } = accountOf(res);
      const found = typeof id === 'string' ? transactions.find(merchantId, id) : undefined;
      res.json(found ? act(found, req) : missing());
    };
  }

  type Wording = { message: string; code?: string };
  function changing(change: (transaction: Transaction) => Transaction, wording: Wording) {
    return reading((found) =>
      orRefusal(() => coreBody(subjectOf(change(found)), wording.message, wording.code)),
    );
  }

  function refunding({ isDirect, message }: { isDirect: boolean; message: string }) {
    return reading((found, req) => {
      const body = RefundBody.safeParse(req.body);
      if (!body.success) return answer('400', invalid);
      const { refund_key: key, amount, reason } = body.data ?? {};
      const order = { amount: amount ?? undefined, reason: reason ?? undefined, isDirect };
      return orRefusal(() => {
        return refundBody(
          refundRules.refund(found, { ...order, refundKey: key ?? undefined }),
          message,
        );
      });
    });
  }

  function refundBody({ transaction, refund, chargebackId }: RefundOutcome, message: string) {
    const isRefused = refund.state === 'refused';
    const { refunds: _earlier, ...described } = isRefused
      ? coreBody(subjectOf(transaction), 'Refund denied by the bank', '202')
      : coreBody(subjectOf(transaction), message);
    return {
      ...described,
      refund_chargeback_id: chargebackId,
      refund_amount: amountText(isRefused ? 0 : refund.amount),
      refund_key: refund.refundKey,
    };
  }

  /** The only call that names its transaction in the body, and never by the order's id. */
  function capture(req: Request, res: Response): void {
    const body = CaptureBody.safeParse(req.body);
    if (!body.success) return void res.json(answer('400', invalid));
    const { transaction_id: id, gross_amount: amount } = body.data;
    const found = transactions.find(accountOf(res).merchantId, id);
    if (found?.transactionId !== id) return void res.json(missing());
    const message = 'Success, Credit Card capture transaction is successful';
    const captured = () => cardPayments.capture(found, amount ?? undefined);
    res.json(orRefusal(() => coreBody(subjectOf(captured()), message)));
  }

  function statusOf(transaction: Transaction) {
    return coreBody(subjectOf(transaction), 'Success, transaction is found');
  }

  /** All attempts to pay the order, newest first. */
  function historyOf({ merchantId, orderId }: Transaction, req: Request) {
    const { page, per_page: size } = Paging.parse(req.query);
    const newestFirst = transactions.listOfOrder(merchantId, orderId).reverse();
    return {
      status_code: '200',
      status_message: 'Success, transactions are retrieved',
      transactions: newestFirst.slice(page * size, (page + 1) * size).map(statusOf),
    };
  }

  return { status: reading(statusOf), history: reading(historyOf), changing, refunding, capture };
}

/** What `make` makes, or the refusal that it meets, in Midtrans' codes. */
function orRefusal(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'refund-duplicate') return answer('406', error.message);
    if (error.code === 'refund-too-large') return answer('414', error.message);
    return answer('412', notModifiable().message);
  }
}

function answerBadBody(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (clientErrorStatus(error) === undefined) return void next(error);
  res.status(400).json(answer('413', 'The request cannot be processed due to malformed syntax.'));
}

function missing() {
  return answer('404', "Transaction doesn't exist.");
}

function answer(code: string, message: string) {
  return { status_code: code, status_message: message, id: randomUUID() };
}
