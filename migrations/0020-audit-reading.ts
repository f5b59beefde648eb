import type { MigrationBuilder } from 'node-pg-migrate';

/** What sealing the history, and looking into the audit log, would otherwise read whole tables for. */
export function up(pgm: MigrationBuilder) {
  // A seal is over a span of time: ids are made by clocks of several machines.
  pgm.sql(`create index order_events_created_idx on order_events (tenant_id, created_at)`);
  // The last seal, and who looks for one kind of entry.
  pgm.sql(`create index audit_entries_action_idx on audit_entries (tenant_id, action, seq)`);
}
