import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * How much of each limit is used, by whom: what all processes share. The columns and their order
 * are those of rate-limiter-flexible's PostgreSQL store.
 *
 * Unlogged: a count is worth no write to the log, and a crash of PostgreSQL, or a change to its
 * standby, only begins all counts anew.
 */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create unlogged table rate_limits (
    key    text             not null,         -- the limit and a hash of whom it holds
    points integer          not null,
    expire double precision not null,         -- milliseconds; bigint would arrive as BigInt
    constraint rate_limits_pkey primary key (key)
  )`);
  pgm.sql(`create index rate_limits_expire_idx on rate_limits (expire)`);

  pgm.sql(`alter table rate_limits enable row level security`);
  pgm.sql(`create policy rate_limits_platform on rate_limits to kassa_platform
    using (true) with check (true)`);
  pgm.sql(`grant select, insert, update, delete on rate_limits to kassa_platform`);
}
