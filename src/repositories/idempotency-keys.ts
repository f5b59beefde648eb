import type { TenantTx } from '../db/database.ts';

/** Where a key counts: the same characters on another route, or of another tenant, are another key. */
export type Scope = { readonly route: string; readonly key: string };

/** What a client was answered, to be given again byte for byte. */
export type Answer = { readonly status: number; readonly body: string };

export type KnownKey = {
  readonly requestHash: Buffer;
  readonly resourceId: string;
  /** Somebody runs the work, and still has time to say how it ended. */
  readonly isLeased: boolean;
  /** Undefined while the work is unfinished. */
  readonly answer: Answer | undefined;
};

type Lease = { readonly leaseId: string; readonly leaseMs: number; readonly keptHours: number };

type KeyRow = {
  request_hash: Buffer;
  resource_id: string;
  is_leased: boolean;
  answer_status: number | null;
  answer_body: string | null;
};

/**
 * Writes down a key that is new or was forgotten, leased to the caller; false when it is known. The
 * known row stays locked until the transaction ends, so that what the caller reads next holds.
 */
export async function insert(
  tx: TenantTx,
  entry: Scope & Lease & Pick<KnownKey, 'requestHash' | 'resourceId'>,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    // `excluded.created_at` is now(), which Citus does not take in a conflict's clauses.
    `insert into idempotency_keys as known (tenant_id, route, key, request_hash, resource_id,
                                            lease_id, lease_until, expires_at)
     values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 ms', now() + $8 * interval '1 hour')
     on conflict (tenant_id, route, key) do update
        set request_hash = excluded.request_hash, resource_id = excluded.resource_id,
            lease_id = excluded.lease_id, lease_until = excluded.lease_until,
            answer_status = null, answer_body = null,
            created_at = excluded.created_at, expires_at = excluded.expires_at
      where known.expires_at <= excluded.created_at`,
    [
      tx.tenantId,
      entry.route,
      entry.key,
      entry.requestHash,
      entry.resourceId,
      entry.leaseId,
      entry.leaseMs,
      entry.keptHours,
    ],
  );
  return rowCount === 1;
}

export async function get(tx: TenantTx, { route, key }: Scope): Promise<KnownKey> {
  const { rows } = await tx.query<KeyRow>(
    `select request_hash, resource_id, coalesce(lease_until > now(), false) as is_leased,
            answer_status, answer_body
       from idempotency_keys
      where tenant_id = $1 and route = $2 and key = $3`,
    [tx.tenantId, route, key],
  );
  if (!rows[0]) throw new Error('The idempotency key is gone.');
  return toKnownKey(rows[0]);
}

/**
 * Leases an unfinished key to the caller and counts its time anew: whoever still retries must not
 * meet a forgotten key, and with it a second effect.
 */
export async function takeOver(
  tx: TenantTx,
  { route, key }: Scope,
  { leaseId, leaseMs, keptHours }: Lease,
): Promise<void> {
  await tx.query(
    `update idempotency_keys
        set lease_id = $4, lease_until = now() + $5 * interval '1 ms',
            expires_at = now() + $6 * interval '1 hour'
      where tenant_id = $1 and route = $2 and key = $3`,
    [tx.tenantId, route, key, leaseId, leaseMs, keptHours],
  );
}

/** Stores the answer, if the caller's lease is still the one that counts. */
export async function storeAnswer(
  tx: TenantTx,
  { route, key }: Scope,
  { leaseId, status, body }: Answer & { readonly leaseId: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update idempotency_keys
        set answer_status = $5, answer_body = $6, lease_id = null, lease_until = null
      where tenant_id = $1 and route = $2 and key = $3 and lease_id = $4`,
    [tx.tenantId, route, key, leaseId, status, body],
  );
  return rowCount === 1;
}

/** Leaves the key unfinished and free for the next try, if the caller's lease still counts. */
export async function release(tx: TenantTx, { route, key }: Scope, leaseId: string): Promise<void> {
  await tx.query(
    `update idempotency_keys
        set lease_id = null, lease_until = null
      where tenant_id = $1 and route = $2 and key = $3 and lease_id = $4`,
    [tx.tenantId, route, key, leaseId],
  );
}

/** Deletes forgotten keys, oldest first; answers how many. */
export async function deleteExpired(tx: TenantTx, limit: number): Promise<number> {
  // Locked where they are found: a key that is claimed again in this moment is let be.
  const { rowCount } = await tx.query(
    `delete from idempotency_keys
      where tenant_id = $1 and (route, key) in (
        select route, key from idempotency_keys
         where tenant_id = $1 and expires_at <= now()
         order by expires_at limit $2
           for update skip locked)`,
    [tx.tenantId, limit],
  );
  return rowCount ?? 0;
}

function toKnownKey(row: KeyRow): KnownKey {
  const { answer_status: status, answer_body: body } = row;
  return {
    requestHash: row.request_hash,
    resourceId: row.resource_id,
    isLeased: row.is_leased,
    answer: status === null || body === null ? undefined : { status, body },
  };
}
