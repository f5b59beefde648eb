import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** Raised when a table changes; books are only a sandbox's, so an old file is refused, not moved. */
const schemaVersion = 2;

const schema = `
  create table settings (name text primary key, value text not null) strict;

  create table accounts (
    merchant_id      text primary key,
    server_key       text not null unique,
    name             text,
    notification_url text,
    finish_url       text,
    unfinish_url     text,
    error_url        text,
    customer_fee     integer,
    created_at       integer not null,
    revoked_at       integer
  ) strict;

  create table checkouts (
    number       integer primary key autoincrement,
    token        text not null unique,
    merchant_id  text not null,
    order_id     text not null,
    gross_amount integer not null,
    state        text not null check (state in ('open', 'replaced', 'cancelled')),
    request      text not null,
    customer_fee integer,
    created_at   integer not null,
    expires_at   integer not null,
    changed      integer not null
  ) strict;
  create index checkouts_changed on checkouts (changed);
  create index checkouts_order on checkouts (merchant_id, order_id, number);
  create index checkouts_order_id on checkouts (order_id, number);

  create table transactions (
    number         integer primary key autoincrement,
    transaction_id text not null unique,
    token          text not null,
    merchant_id    text not null,
    order_id       text not null,
    method         text not null,
    payment_type   text not null,
    gross_amount   integer not null,
    fee            integer not null,
    status         text not null,
    fraud_status   text,
    details        text not null,
    step           text check (step in ('otp', 'delayed')),
    card_result    text,
    created_at     integer not null,
    expires_at     integer,
    capture_due_at integer,
    settle_due_at  integer,
    captured       integer not null,
    captured_at    integer,
    settled_at     integer,
    changed        integer not null,
    changed_at     integer not null
  ) strict;
  create index transactions_changed on transactions (changed);
  create index transactions_order on transactions (merchant_id, order_id, number);
  create index transactions_order_id on transactions (order_id, number);
  create index transactions_expiry on transactions (status, expires_at);
  create index transactions_capture on transactions (status, capture_due_at);
  create index transactions_settle on transactions (status, settle_due_at);

  create table refunds (
    number         integer primary key autoincrement,
    transaction_id text not null,
    refund_key     text not null,
    amount         integer not null check (amount > 0),
    reason         text,
    state          text not null check (state in ('accepted', 'confirmed', 'refused')),
    verdict        text not null check (verdict in ('confirm', 'refuse')),
    created_at     integer not null,
    decide_at      integer not null,
    decided_at     integer
  ) strict;
  create index refunds_transaction on refunds (transaction_id, number);
  -- A key whose refund the bank has refused may be used again.
  create unique index refunds_key on refunds (transaction_id, refund_key) where state <> 'refused';
  create index refunds_undecided on refunds (decide_at) where state = 'accepted';

  create table chargebacks (
    number         integer primary key autoincrement,
    transaction_id text not null,
    amount         integer not null check (amount > 0),
    reason         text,
    created_at     integer not null
  ) strict;
  create index chargebacks_transaction on chargebacks (transaction_id, number);

  create table notifications (
    number         integer primary key autoincrement,
    merchant_id    text not null,
    order_id       text not null,
    transaction_id text not null,
    status         text not null,
    body           text not null,
    created_at     integer not null
  ) strict;
  create index notifications_order on notifications (order_id, number);

  create table deliveries (
    number       integer primary key autoincrement,
    notification integer not null references notifications on delete cascade,
    lane         text not null,
    url          text not null,
    body         text not null,
    tamper       text,
    state        text not null check (state in
                   ('queued', 'held', 'sending', 'delivered', 'failed', 'refused', 'dropped')),
    position     integer not null,
    retries      integer not null default 0,
    next_at      integer not null
  ) strict;
  create index deliveries_notification on deliveries (notification);
  create index deliveries_due on deliveries (next_at) where state = 'queued';
  create index deliveries_queue on deliveries (position) where state = 'queued';

  create table attempts (
    number      integer primary key autoincrement,
    delivery    integer not null references deliveries on delete cascade,
    at          integer not null,
    url         text not null,
    code        integer,
    error       text,
    duration_ms integer not null
  ) strict;
  create index attempts_delivery on attempts (delivery);

  create table faults (
    number      integer primary key autoincrement,
    scope       text not null,
    kind        text not null,
    skip        integer not null,
    remaining   integer not null,
    delay_ms    integer not null,
    http_status integer not null,
    merchant_id text
  ) strict;

  create table calls (
    scope       text not null,
    merchant_id text not null,
    count       integer not null,
    primary key (scope, merchant_id)
  ) strict;
`;

/**
 * The number of the next change, counted over transactions and tokens together, so that one cursor
 * reads both. For use inside a statement that writes `changed`.
 */
export const nextChange = `(select 1 + max(
  (select coalesce(max(changed), 0) from transactions),
  (select coalesce(max(changed), 0) from checkouts)))`;

export type BooksFilter = {
  readonly orderId?: string | undefined;
  readonly merchantId?: string | undefined;
  /** Only what has changed after this change, in the order in which it did. */
  readonly since?: number | undefined;
  readonly limit: number;
};

/** The end of a select over transactions or tokens; only the conditions that can use an index. */
export function filtered({ orderId, merchantId, since, limit }: BooksFilter) {
  const conditions = [
    ['order_id = ?', orderId],
    ['merchant_id = ?', merchantId],
    ['changed > ?', since],
  ] as const;
  const used = conditions.filter(([, value]) => value !== undefined);
  const where = used.map(([condition]) => condition).join(' and ');
  const order = since === undefined ? 'number' : 'changed';
  return {
    clause: `${where && `where ${where}`} order by ${order} limit ?`,
    values: [...used.map(([, value]) => value ?? null), limit],
  };
}

// Children first: foreign keys are on while the tables are emptied.
const tables = [
  ...['attempts', 'deliveries', 'notifications', 'refunds', 'chargebacks'],
  ...['transactions', 'checkouts', 'faults', 'calls', 'accounts', 'settings'],
];

/**
 * The emulator's own books, in one SQLite file. Every call is synchronous, so whatever runs without
 * an `await` between two statements cannot be interleaved with another request.
 */
export function openBooks(file: string) {
  const database = openDatabase(file);
  const statements = new Map<string, StatementSync>();

  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  /** Commits what `work` did, or undoes it when it throws; inside another transaction it joins. */
  function transaction<Result>(work: () => Result): Result {
    if (database.isTransaction) return work();
    database.exec('begin immediate');
    try {
      const result = work();
      database.exec('commit');
      return result;
    } catch (error) {
      database.exec('rollback');
      throw error;
    }
  }

  return {
    transaction,
    /** The row type is the caller's word for the columns it selects: SQLite itself has no types. */
    get: <Row>(sql: string, ...values: SQLInputValue[]) =>
      prepared(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: SQLInputValue[]) => prepared(sql).all(...values) as Row[],
    run: (sql: string, ...values: SQLInputValue[]) => Number(prepared(sql).run(...values).changes),
    insert: (sql: string, ...values: SQLInputValue[]) =>
      Number(prepared(sql).run(...values).lastInsertRowid),
    wipe: () =>
      transaction(() => tables.forEach((table) => void database.exec(`delete from ${table}`))),
    close: () => database.close(),
  };
}
export type Books = ReturnType<typeof openBooks>;

function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const database = new DatabaseSync(file);
  // A write-ahead log with normal syncing loses nothing when the process is killed, only (perhaps)
  // when the machine loses power, which is a fair price for the speed in an emulator.
  database.exec(`
    pragma journal_mode = wal;
    pragma synchronous = normal;
    pragma foreign_keys = on;
    pragma busy_timeout = 5000;
  `);
  const found = Number(database.prepare('pragma user_version').get()?.user_version);
  if (found === schemaVersion) return database;
  if (found !== 0) {
    database.close();
    throw new Error(
      `The books in ${file} are of another version of the emulator: delete the file.`,
    );
  }
  database.exec(`begin; ${schema} pragma user_version = ${schemaVersion}; commit;`);
  return database;
}
