import { accountMutants } from './account-mutants.ts';
import { attentionMutants } from './attention-mutants.ts';
import { booksMutants } from './books-mutants.ts';
import { idempotencyMutants } from './idempotency-mutants.ts';
import type { Mutant } from './mutant.ts';
import { notificationMutants } from './notification-mutants.ts';
import { orderActionMutants } from './order-action-mutants.ts';
import { paymentMutants } from './payment-mutants.ts';
import { reconciliationMutants } from './reconciliation-mutants.ts';
import { refundMutants } from './refund-mutants.ts';
import { stateMutants } from './state-mutants.ts';
import { tenancyMutants } from './tenancy-mutants.ts';

export const mutants: readonly Mutant[] = [
  ...notificationMutants,
  ...paymentMutants,
  ...stateMutants,
  ...refundMutants,
  ...orderActionMutants,
  ...attentionMutants,
  ...reconciliationMutants,
  ...idempotencyMutants,
  ...booksMutants,
  ...tenancyMutants,
  ...accountMutants,
];
