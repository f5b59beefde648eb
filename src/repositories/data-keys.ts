import type { PlatformTx } from '../db/database.ts';
import { TenantId } from '../domain/ids.ts';

/** The key that a tenant's secrets are sealed with, wrapped by a master key. */
export type DataKey = {
  readonly tenantId: TenantId;
  readonly version: number;
  readonly kekId: string;
  readonly wrapped: Buffer;
  /** How many encryptions were made with it. */
  readonly seals: bigint;
};

export type DataKeyRow = {
  tenant_id: string;
  version: number;
  kek_id: string;
  wrapped: Buffer;
  seals: bigint;
};

const columns = 'tenant_id, version, kek_id, wrapped, seals';

/** The newest version, which seals. */
export async function findCurrent(tx: PlatformTx, tenantId: TenantId) {
  const { rows } = await tx.query<DataKeyRow>(
    `select ${columns} from data_keys
      where tenant_id = $1
      order by version desc limit 1`,
    [tenantId],
  );
  return rows[0] && toDataKey(rows[0]);
}

export async function find(tx: PlatformTx, tenantId: TenantId, version: number) {
  const { rows } = await tx.query<DataKeyRow>(
    `select ${columns} from data_keys where tenant_id = $1 and version = $2`,
    [tenantId, version],
  );
  return rows[0] && toDataKey(rows[0]);
}

/**
 * Counts one encryption, and says which version makes it. The version cannot be retired before this
 * transaction has ended: what it seals is there when a rotation looks for it. Undefined when it was
 * retired a moment ago: the next question finds its successor.
 */
export async function countSeal(tx: PlatformTx, tenantId: TenantId): Promise<DataKey | undefined> {
  const { rows } = await tx.query<DataKeyRow>(
    `update data_keys set seals = seals + 1
      where tenant_id = $1 and retired_at is null
        and version = (select max(k.version) from data_keys k where k.tenant_id = $1)
  returning ${columns}`,
    [tenantId],
  );
  return rows[0] && toDataKey(rows[0]);
}

/** Makes a version the one that seals, unless somebody else has made it meanwhile. */
export async function succeed(tx: PlatformTx, key: Omit<DataKey, 'seals'>): Promise<boolean> {
  const { tenantId, version, kekId, wrapped } = key;
  await tx.query(
    `update data_keys set retired_at = now()
      where tenant_id = $1 and version < $2 and retired_at is null`,
    [tenantId, version],
  );
  const { rowCount } = await tx.query(
    `insert into data_keys (tenant_id, version, kek_id, wrapped) values ($1, $2, $3, $4)
     on conflict (tenant_id, version) do nothing`,
    [tenantId, version, kekId, wrapped],
  );
  return rowCount === 1;
}

/** Puts a key under another master key, if it still is as it was read. */
export async function rewrap(
  tx: PlatformTx,
  key: DataKey,
  { kekId, wrapped }: Pick<DataKey, 'kekId' | 'wrapped'>,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update data_keys set kek_id = $4, wrapped = $5
      where tenant_id = $1 and version = $2 and wrapped = $3`,
    [key.tenantId, key.version, key.wrapped, kekId, wrapped],
  );
  return rowCount === 1;
}

/** Ends a retired version for good: nothing that it sealed can be opened from now on. */
export async function destroy(tx: PlatformTx, tenantId: TenantId, version: number): Promise<void> {
  await tx.query(
    `delete from data_keys where tenant_id = $1 and version = $2 and retired_at is not null`,
    [tenantId, version],
  );
}

export function toDataKey(row: DataKeyRow): DataKey {
  return {
    tenantId: TenantId.parse(row.tenant_id),
    version: row.version,
    kekId: row.kek_id,
    wrapped: row.wrapped,
    seals: row.seals,
  };
}
