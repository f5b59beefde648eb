import type { TenantTx } from '../db/database.ts';
import { PaymentId, ReconciliationId } from '../domain/ids.ts';
import type { ReconciliationWindow } from '../domain/reconciliation-window.ts';

export const reconciliationTriggers = ['merchant', 'operator', 'nightly'] as const;

export type Reconciliation = {
  readonly id: ReconciliationId;
  readonly trigger: (typeof reconciliationTriggers)[number];
  /** `incomplete`: it ended, but some questions were not answered. */
  readonly status: 'running' | 'done' | 'incomplete' | 'failed';
  readonly window: ReconciliationWindow;
  readonly timeZone: string;
  readonly checked: number;
  readonly unanswered: number;
  /** The window is asked about up to this payment. */
  readonly cursor: PaymentId | undefined;
  readonly isListed: boolean;
  readonly batch: number;
  /** Changes with every write, so that only one of two who work at once can write. */
  readonly version: number;
  readonly silences: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
};

type ReconciliationRow = {
  id: string;
  trigger: Reconciliation['trigger'];
  status: Reconciliation['status'];
  from_day: string;
  to_day: string;
  time_zone: string;
  checked: number;
  unanswered: number;
  cursor: string | null;
  is_listed: boolean;
  batch: number;
  version: number;
  silences: number;
  started_at: Date;
  finished_at: Date | null;
};

const columns = `id, trigger, status, from_day, to_day, time_zone, checked, unanswered, cursor,
  is_listed, batch, version, silences, started_at, finished_at`;

type NewReconciliation = Pick<Reconciliation, 'id' | 'trigger' | 'window' | 'timeZone'>;

/** Begins a run; undefined when one is running, or had this id, or was this night's. */
export async function insert(
  tx: TenantTx,
  { id, trigger, window, timeZone }: NewReconciliation,
): Promise<Reconciliation | undefined> {
  const { rows } = await tx.query<ReconciliationRow>(
    `insert into reconciliations (tenant_id, id, trigger, status, from_day, to_day, time_zone)
     values ($1, $2, $3, 'running', $4, $5, $6)
     on conflict do nothing
     returning ${columns}`,
    [tx.tenantId, id, trigger, window.from, window.to, timeZone],
  );
  return rows[0] && toReconciliation(rows[0]);
}

export async function find(
  tx: TenantTx,
  id: ReconciliationId,
): Promise<Reconciliation | undefined> {
  const { rows } = await tx.query<ReconciliationRow>(
    `select ${columns} from reconciliations where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  );
  return rows[0] && toReconciliation(rows[0]);
}

export async function findRunning(tx: TenantTx): Promise<Reconciliation | undefined> {
  const { rows } = await tx.query<ReconciliationRow>(
    `select ${columns} from reconciliations where tenant_id = $1 and status = 'running'`,
    [tx.tenantId],
  );
  return rows[0] && toReconciliation(rows[0]);
}

/** Newest first; `before` is the last one of the page before. */
export async function list(
  tx: TenantTx,
  { before, limit }: { readonly before: ReconciliationId | undefined; readonly limit: number },
): Promise<Reconciliation[]> {
  const { rows } = await tx.query<ReconciliationRow>(
    `select ${columns} from reconciliations
      where tenant_id = $1 and ($2::uuid is null or id < $2)
      order by id desc limit $3`,
    [tx.tenantId, before ?? null, limit],
  );
  return rows.map(toReconciliation);
}

/** Ends a run on which nobody has worked for so long that nobody will; answers its id. */
export async function failAbandoned(
  tx: TenantTx,
  { hours }: { readonly hours: number },
): Promise<ReconciliationId | undefined> {
  const { rows } = await tx.query<{ id: string }>(
    `update reconciliations
        set status = 'failed', finished_at = now(), version = version + 1, updated_at = now()
      where tenant_id = $1 and status = 'running' and updated_at < now() - $2 * interval '1 hour'
     returning id`,
    [tx.tenantId, hours],
  );
  return rows[0] && ReconciliationId.parse(rows[0].id);
}

type WindowPart = Pick<Reconciliation, 'window' | 'timeZone' | 'startedAt' | 'cursor'>;

/**
 * The payments of the window after the cursor: made in it, or with money that moved in it. What
 * came after the run began is for the next one, so that this one has an end.
 */
export async function listWindow(
  tx: TenantTx,
  part: WindowPart,
  limit: number,
): Promise<PaymentId[]> {
  const { rows } = await tx.query<{ payment_id: string }>(
    `select payment_id
       from ((${madeInWindow} order by payment_id limit $7)
             union
             (${movedInWindow} order by payment_id limit $7)) found
      order by payment_id limit $7`,
    [...valuesOf(tx, part), limit],
  );
  return rows.map(({ payment_id }) => PaymentId.parse(payment_id));
}

export async function countWindow(tx: TenantTx, part: WindowPart): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `select count(*)::int as count from (${madeInWindow} union ${movedInWindow}) found`,
    valuesOf(tx, part),
  );
  return rows[0]?.count ?? 0;
}

const madeInWindow = `select id as payment_id from payments
  where tenant_id = $1 and created_at >= $2::date::timestamp at time zone $4::text
    and created_at < ($3::date + 1)::timestamp at time zone $4::text
    and created_at <= $5::timestamptz and ($6::uuid is null or id > $6)`;

const movedInWindow = `select distinct payment_id from ledger_transfers
  where tenant_id = $1 and day between $2::date and $3::date
    and created_at <= $5::timestamptz and ($6::uuid is null or payment_id > $6)`;

function valuesOf(tx: TenantTx, { window, timeZone, startedAt, cursor }: WindowPart) {
  return [tx.tenantId, window.from, window.to, timeZone, startedAt, cursor ?? null];
}

type Version = Pick<Reconciliation, 'id' | 'version'>;

/** Keeps the run as it is until the transaction ends; false when somebody has moved it on. */
export async function hold(tx: TenantTx, run: Version): Promise<boolean> {
  return readVersion(tx, run, 'for share');
}

/** As `hold`, for whoever moves it on. */
export async function lock(tx: TenantTx, run: Version): Promise<boolean> {
  return readVersion(tx, run, 'for update');
}

async function readVersion(tx: TenantTx, { id, version }: Version, lockText: string) {
  const { rows } = await tx.query(
    `select 1 from reconciliations
      where tenant_id = $1 and id = $2 and version = $3 and status = 'running' ${lockText}`,
    [tx.tenantId, id, version],
  );
  return rows.length > 0;
}

type Step = Pick<
  Reconciliation,
  'status' | 'checked' | 'unanswered' | 'cursor' | 'isListed' | 'batch' | 'silences'
>;

/** Writes how far the run has come. The caller has locked it. */
export async function move(tx: TenantTx, run: Version, step: Step): Promise<void> {
  await tx.query(
    `update reconciliations
        set status = $4, checked = $5, unanswered = $6, cursor = $7, is_listed = $8, batch = $9,
            silences = $10, version = version + 1, updated_at = now(),
            finished_at = case when $4 = 'running' then null else now() end
      where tenant_id = $1 and id = $2 and version = $3 and status = 'running'`,
    [
      tx.tenantId,
      run.id,
      run.version,
      step.status,
      step.checked,
      step.unanswered,
      step.cursor ?? null,
      step.isListed,
      step.batch,
      step.silences,
    ],
  );
}

function toReconciliation(row: ReconciliationRow): Reconciliation {
  return {
    id: ReconciliationId.parse(row.id),
    trigger: row.trigger,
    status: row.status,
    window: { from: row.from_day, to: row.to_day },
    timeZone: row.time_zone,
    checked: row.checked,
    unanswered: row.unanswered,
    cursor: row.cursor === null ? undefined : PaymentId.parse(row.cursor),
    isListed: row.is_listed,
    batch: row.batch,
    version: row.version,
    silences: row.silences,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
  };
}
