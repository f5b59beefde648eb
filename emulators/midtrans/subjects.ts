import type { Accounts } from './accounts.ts';
import type { Subject } from './bodies.ts';
import type { Checkouts } from './checkouts.ts';
import type { Refunds } from './refunds.ts';
import type { Transaction } from './transactions.ts';

/** Gathers what a body about a transaction is made of. */
export function createSubjects(deps: {
  accounts: Accounts;
  checkouts: Checkouts;
  refunds: Refunds;
}) {
  return function subjectOf(transaction: Transaction): Subject {
    return {
      transaction,
      account: deps.accounts.get(transaction.merchantId),
      refunds: deps.refunds.listOf(transaction.transactionId),
      customFields: deps.checkouts.get(transaction.token).request.customFields,
    };
  };
}
export type Subjects = ReturnType<typeof createSubjects>;
