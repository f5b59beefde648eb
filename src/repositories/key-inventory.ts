import type { PlatformTx } from '../db/database.ts';
import { TenantId } from '../domain/ids.ts';
import { type DataKey, type DataKeyRow, toDataKey } from './data-keys.ts';

const columns = 'tenant_id, version, kek_id, wrapped, seals';

export type KeyCursor = Pick<DataKey, 'tenantId' | 'version'>;

/** Some keys under each master key that wraps any: the platform's first, whose id is the lowest. */
export async function sampleByMasterKey(tx: PlatformTx, perMasterKey: number): Promise<DataKey[]> {
  const { rows } = await tx.query<DataKeyRow>(
    `select ${columns}
       from (select ${columns},
                    row_number() over (partition by kek_id order by tenant_id, version) as place
               from data_keys) each
      where place <= $1
      order by kek_id, place limit 1000`,
    [perMasterKey],
  );
  return rows.map(toDataKey);
}

/** Keys that another master key than this one wraps. */
export async function listUnderOthers(
  tx: PlatformTx,
  { kekId, after, limit }: { kekId: string; after: KeyCursor | undefined; limit: number },
): Promise<DataKey[]> {
  const { rows } = await tx.query<DataKeyRow>(
    `select ${columns} from data_keys
      where kek_id <> $1 and ($2::uuid is null or (tenant_id, version) > ($2, $3))
      order by tenant_id, version limit $4`,
    [kekId, after?.tenantId ?? null, after?.version ?? null, limit],
  );
  return rows.map(toDataKey);
}

/** Owners whose newest key was made before a rotation began, with the version of that key. */
export async function listUnrotated(
  tx: PlatformTx,
  query: { rotationId: string; after: TenantId | undefined; limit: number },
): Promise<KeyCursor[]> {
  const { rotationId, after, limit } = query;
  const { rows } = await tx.query<{ tenant_id: string; version: number }>(
    `select k.tenant_id, max(k.version) as version
       from data_keys k
      where $3::uuid is null or k.tenant_id > $3
      group by k.tenant_id
     having max(k.created_at) < (select started_at from key_rotations where id = $1)
      order by k.tenant_id limit $2`,
    [rotationId, limit, after ?? null],
  );
  return rows.map((row) => ({ tenantId: TenantId.parse(row.tenant_id), version: row.version }));
}

/** Retired versions; those of an age may be destroyed when nothing needs them. */
export async function listRetired(
  tx: PlatformTx,
  { minAgeHours, limit }: { minAgeHours: number; limit: number },
): Promise<KeyCursor[]> {
  const { rows } = await tx.query<{ tenant_id: string; version: number }>(
    `select tenant_id, version from data_keys
      where retired_at <= now() - make_interval(hours => $1)
      order by retired_at, tenant_id, version limit $2`,
    [minAgeHours, limit],
  );
  return rows.map((row) => ({ tenantId: TenantId.parse(row.tenant_id), version: row.version }));
}

/** The rotation that is under way, begun now when there is none. */
export async function beginRotation(tx: PlatformTx): Promise<string> {
  await tx.query(
    `insert into key_rotations default values on conflict ((true)) where finished_at is null
     do nothing`,
  );
  const { rows } = await tx.query<{ id: string }>(
    `select id from key_rotations where finished_at is null limit 1`,
  );
  if (!rows[0]) throw new Error('A rotation that was just begun is not there.');
  return rows[0].id;
}

export async function finishRotation(tx: PlatformTx, rotationId: string): Promise<void> {
  await tx.query(
    `update key_rotations set finished_at = now() where id = $1 and finished_at is null`,
    [rotationId],
  );
}

export type KeyCount = {
  readonly kekId: string;
  readonly state: 'current' | 'retired';
  readonly keys: bigint;
};

export async function countKeys(tx: PlatformTx): Promise<KeyCount[]> {
  const { rows } = await tx.query<{ kek_id: string; state: KeyCount['state']; keys: bigint }>(
    `select kek_id, case when retired_at is null then 'current' else 'retired' end as state,
            count(*) as keys
       from data_keys group by 1, 2 order by 1, 2 limit 1000`,
  );
  return rows.map(({ kek_id: kekId, state, keys }) => ({ kekId, state, keys }));
}

export async function findSecret(tx: PlatformTx, name: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ value: string }>(
    `select value from platform_secrets where name = $1`,
    [name],
  );
  return rows[0]?.value;
}

/** Keeps a secret of the platform, unless there is one by that name. */
export async function addSecret(tx: PlatformTx, name: string, value: string): Promise<void> {
  await tx.query(
    `insert into platform_secrets (name, value) values ($1, $2) on conflict (name) do nothing`,
    [name, value],
  );
}
