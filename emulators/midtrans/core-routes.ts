import { randomUUID } from 'node:crypto';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Accounts } from './accounts.ts';
import { amountText, coreBody } from './bodies.ts';
import { accountOf, authenticated } from './caller.ts';
import { clientErrorStatus } from './client-error.ts';
import type { Faults, FaultWords } from './faults.ts';
import type { Payments } from './payments.ts';
import type { RefundRules } from './refund-rules.ts';
import { Refusal } from './refusal.ts';
import type { Subjects } from './subjects.ts';
import type { Transaction, Transactions } from './transactions.ts';

type Parts = {
  accounts: Accounts;
  transactions: Transactions;
  payments: Payments;
  refundRules: RefundRules;
  subjectOf: Subjects;
  faults: Faults;
};

/** Midtrans takes an amount as a number or as its digits; NaN is refused like a wrong amount. */
const Amount = z.union([z.number(), z.string().transform((text) => Number(text))]);
const RefundBody = z
  .object({
    refund_key: z.string().min(1).max(255).nullish(),
    amount: Amount.nullish(),
    reason: z.string().max(255).nullish(),
  })
  .nullish();

const unauthorized = {
  status_code: '401',
  status_message: 'Transaction cannot be authorized with the current client/server key.',
};
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
  const { accounts, transactions, payments, refundRules, subjectOf, faults } = parts;
  const router = Router();
  router.use(authenticated(accounts, (res) => void res.status(401).json(unauthorized)));
  // Not strict: the official client sends the four bytes `null` where it has nothing to say.
  router.use(express.json({ strict: false, limit: '64kb' }));

  /** Finds the caller's own transaction, or answers that there is none. */
  function withTransaction(act: (transaction: Transaction, req: Request) => unknown) {
    return (req: Request, res: Response) => {
      const id = req.params.id;
      const { merchantId } = accountOf(res);
      const found = typeof id === 'string' ? transactions.find(merchantId, id) : undefined;
      res.json(found ? act(found, req) : answer('404', "Transaction doesn't exist."));
    };
  }

  function changing(change: (transaction: Transaction) => Transaction, message: string) {
    return withTransaction((found) => {
      try {
        return coreBody(subjectOf(change(found)), message);
      } catch (error) {
        return bodyOfRefusal(error);
      }
    });
  }

  function refund(approvedBy: string) {
    return withTransaction((found, req) => {
      const body = RefundBody.safeParse(req.body);
      if (!body.success) return answer('400', 'One or more parameters in the payload is invalid.');
      const { refund_key: key, amount, reason } = body.data ?? {};
      try {
        const order = { amount: amount ?? undefined, refundKey: key ?? undefined };
        const done = refundRules.refund(found, { ...order, reason: reason ?? undefined });
        const { refunds: _earlier, ...described } = coreBody(
          subjectOf(done.transaction),
          `Success, refund request is approved${approvedBy}`,
        );
        return {
          ...described,
          refund_chargeback_id: done.chargebackId,
          refund_amount: amountText(done.refund.amount),
          refund_key: done.refund.refundKey,
        };
      } catch (error) {
        return bodyOfRefusal(error);
      }
    });
  }

  const gate = faults.gate;
  const status = withTransaction((found) =>
    coreBody(subjectOf(found), 'Success, transaction is found'),
  );
  const cancel = changing(payments.cancel, 'Success, transaction is canceled');
  const expire = changing(payments.expire, 'Success, transaction has expired');
  // Both want a challenged card, and this emulator has none: whatever exists cannot be changed so.
  const decideChallenge = withTransaction(notModifiable);

  router.get('/:id/status', gate('core.status', words), status);
  router.post('/:id/cancel', gate('core.cancel', words), cancel);
  router.post('/:id/expire', gate('core.expire', words), expire);
  router.post('/:id/refund', gate('core.refund', words), refund(''));
  router.post('/:id/refund/online/direct', gate('core.refund', words), refund(' by the bank'));
  router.post('/:id/approve', gate('core.approve', words), decideChallenge);
  router.post('/:id/deny', gate('core.deny', words), decideChallenge);
  router.use((_req, res) => void res.status(404).json(answer('404', 'There is no such path.')));
  router.use(answerBadBody);
  return router;
}

function bodyOfRefusal(error: unknown) {
  if (!(error instanceof Refusal)) throw error;
  if (error.code === 'refund-duplicate') return answer('406', error.message);
  if (error.code === 'refund-too-large') return answer('414', error.message);
  return notModifiable();
}

function answerBadBody(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (clientErrorStatus(error) === undefined) return void next(error);
  res.status(400).json(answer('413', 'The request cannot be processed due to malformed syntax.'));
}

function notModifiable() {
  return answer('412', 'Merchant cannot modify the status of the transaction');
}

function answer(code: string, message: string) {
  return { status_code: code, status_message: message, id: randomUUID() };
}
