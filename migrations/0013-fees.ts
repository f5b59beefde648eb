import type { MigrationBuilder } from 'node-pg-migrate';

/** What a provider charges the shopper on top of an order: part of the payment, no part of the sale. */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`alter table payments add column customer_fee bigint not null default 0`);
  pgm.sql(`alter table payments add constraint payments_customer_fee_not_negative check
    (customer_fee >= 0)`);
  // The fee is captured, and given back, with the rest.
  pgm.sql(`alter table payments drop constraint payments_captured_within_amount`);
  pgm.sql(`alter table payments add constraint payments_captured_within_amount check
    (captured_amount between 0 and amount + customer_fee)`);
  pgm.sql(`alter table payments drop constraint payments_refund_within_amount`);
  pgm.sql(`alter table payments add constraint payments_refund_within_amount check
    (refunded_amount between 0 and amount + customer_fee)`);

  pgm.sql(`alter table ledger_transfers drop constraint ledger_transfers_kind_known`);
  pgm.sql(`alter table ledger_transfers add constraint ledger_transfers_kind_known check
    (kind in ('payment', 'fee', 'refund', 'loss'))`);
  for (const side of ['debit', 'credit']) {
    pgm.sql(`alter table ledger_transfers drop constraint ledger_transfers_${side}_known`);
    pgm.sql(`alter table ledger_transfers add constraint ledger_transfers_${side}_known check
      (${side}_account in ('provider_balance', 'sales', 'customer_fees', 'refunds', 'losses'))`);
  }
}
