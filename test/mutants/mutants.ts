import { accountMutants } from './account-mutants.ts';
import { attentionMutants } from './attention-mutants.ts';
import { auditMutants } from './audit-mutants.ts';
import { booksMutants } from './books-mutants.ts';
import { edgeMutants } from './edge-mutants.ts';
import { idempotencyMutants } from './idempotency-mutants.ts';
import { isolationMutants } from './isolation-mutants.ts';
import { keyMutants } from './key-mutants.ts';
import type { Mutant } from './mutant.ts';
import { notificationMutants } from './notification-mutants.ts';
import { orderActionMutants } from './order-action-mutants.ts';
import { paymentMutants } from './payment-mutants.ts';
import { reconciliationMutants } from './reconciliation-mutants.ts';
import { refundMutants } from './refund-mutants.ts';
import { secretMutants } from './secret-mutants.ts';
import { stateMutants } from './state-mutants.ts';
import { teamMutants } from './team-mutants.ts';
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
  ...teamMutants,
  ...tenancyMutants,
  ...keyMutants,
  ...accountMutants,
  ...auditMutants,
  ...edgeMutants,
  ...isolationMutants,
  ...secretMutants,
];
