import type { PlatformTx } from '../db/database.ts';
import { TenantId } from '../domain/ids.ts';
import { platformOwner, type SealedColumn, sealedPrefix } from '../domain/sealed-columns.ts';

/** What stands in a sealed column of one row, sealed or not. */
export type StoredValue = {
  readonly tenantId: TenantId;
  readonly rowId: string;
  readonly text: string;
  /** The newest version of its owner's data key, if the owner has one. */
  readonly keyVersion: number | undefined;
};

/** What is stored beside a sealed value, where its column has a place for it. */
export type Marks = { readonly fingerprint: Buffer; readonly end: string | undefined };

type ValueRow = { tenant_id: string; row_id: string; text: string; key_version: number | null };
type Page = { readonly after: string | undefined; readonly limit: number };

// The names that are put into these statements stand in `domain/sealed-columns.ts`.

/** Values that somebody put in by plain SQL. */
export async function listPlain(tx: PlatformTx, column: SealedColumn, page: Page) {
  return list(tx, column, { ...page, where: plainIn(column) });
}

export async function listSealed(tx: PlatformTx, column: SealedColumn, page: Page) {
  return list(tx, column, { ...page, where: sealedIn(column) });
}

/** Sealed values of owners who have a key that seals nothing more: some may be of that key. */
export async function listOfRetiredKeys(tx: PlatformTx, column: SealedColumn, page: Page) {
  const owner = ownerIn(column);
  const where = `${sealedIn(column)} and exists
    (select from data_keys k where k.tenant_id = ${owner} and k.retired_at is not null)`;
  return list(tx, column, { ...page, where });
}

/** Sealed values of one owner. */
export async function listOfOwner(
  tx: PlatformTx,
  column: SealedColumn,
  { tenantId, ...page }: Page & { readonly tenantId: TenantId },
) {
  const where = `${sealedIn(column)} and ${ownerIn(column)} = $2`;
  return list(tx, column, { ...page, where }, [tenantId]);
}

/** Puts a text in the place of another one, if that still stands there. */
export async function replace(
  tx: PlatformTx,
  column: SealedColumn,
  { rowId, from, to, marks }: { rowId: string; from: string; to: string; marks: Marks },
): Promise<boolean> {
  const { table, column: name, row, fingerprint, end } = column;
  const changes: [string, unknown][] = [[name, to]];
  if (fingerprint) changes.push([fingerprint, marks.fingerprint]);
  if (end) changes.push([end, marks.end ?? null]);
  const sets = changes.map(([changed], index) => `${changed} = $${index + 3}`);
  const { rowCount } = await tx.query(
    `update ${table} set ${sets.join(', ')} where ${row} = $1 and ${name} = $2`,
    [rowId, from, ...changes.map(([, value]) => value)],
  );
  return rowCount === 1;
}

async function list(
  tx: PlatformTx,
  column: SealedColumn,
  { where, after, limit }: Page & { readonly where: string },
  values: readonly unknown[] = [],
): Promise<StoredValue[]> {
  const { table, column: name, row } = column;
  const further = after === undefined ? '' : ` and ${row} > $${values.length + 2}`;
  const { rows } = await tx.query<ValueRow>(
    `select ${ownerIn(column)} as tenant_id, ${row}::text as row_id, ${name} as text,
            (select max(k.version) from data_keys k where k.tenant_id = ${ownerIn(column)})
              as key_version
       from ${table}
      where ${where}${further}
      order by ${row} limit $1`,
    [limit, ...values, ...(after === undefined ? [] : [after])],
  );
  return rows.map((each) => ({
    tenantId: TenantId.parse(each.tenant_id),
    rowId: each.row_id,
    text: each.text,
    keyVersion: each.key_version ?? undefined,
  }));
}

function ownerIn({ table, tenant }: SealedColumn): string {
  return tenant ? `${table}.${tenant}` : `'${platformOwner}'::uuid`;
}

function plainIn({ column, reference }: SealedColumn): string {
  const isElsewhere = reference ? ` and ${column} not like '${reference}%'` : '';
  return `${column} <> '' and ${column} not like '${sealedPrefix}%'${isElsewhere}`;
}

function sealedIn({ column }: SealedColumn): string {
  return `${column} like '${sealedPrefix}%'`;
}
