import type { TenantTx } from '../db/database.ts';
import type { PaymentId } from '../domain/ids.ts';

// The lease of a payment's running call to its provider: who holds it may say how the call ended.

/**
 * Takes over a payment whose outcome nobody knows, for one more call to the provider. Its page will
 * be a new one, so its time begins anew.
 */
export async function claim(
  tx: TenantTx,
  id: PaymentId,
  lease: { leaseId: string; leaseMs: number; expiryMinutes: number },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update payments
        set may_have_page = may_have_page or status = 'creating', status = 'creating', lease_id = $3,
            lease_until = now() + $4 * interval '1 ms',
            next_check_at = now() + $4 * interval '1 ms',
            expires_at = now() + $5 * interval '1 minute', updated_at = now()
      where tenant_id = $1 and id = $2
        and (status = 'unknown' or (status = 'creating' and lease_until <= now()))`,
    [tx.tenantId, id, lease.leaseId, lease.leaseMs, lease.expiryMinutes],
  );
  return rowCount === 1;
}

/**
 * Stores the page that the call gave, if the caller's lease is still the one that counts. A
 * notification may have been faster: then the state is its, and only the page is missing.
 */
export async function settlePage(
  tx: TenantTx,
  id: PaymentId,
  page: {
    readonly leaseId: string;
    readonly token: string;
    readonly redirectUrl: string;
    readonly nextCheckSeconds: number;
  },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update payments
        set status = case when status = 'creating' then 'pending' else status end,
            token = $4, redirect_url = $5, lease_id = null, lease_until = null,
            next_check_at = case when status = 'creating' then now() + $6 * interval '1 second'
                                 else next_check_at end,
            updated_at = now()
      where tenant_id = $1 and id = $2
        and (lease_id = $3
             or (token is null and status not in ('creating', 'unknown', 'failed')))`,
    [tx.tenantId, id, page.leaseId, page.token, page.redirectUrl, page.nextCheckSeconds],
  );
  return rowCount === 1;
}

/** Stores that nobody knows how the call ended, if the caller's lease still counts. */
export async function settleUnknown(
  tx: TenantTx,
  id: PaymentId,
  end: {
    readonly leaseId: string;
    readonly nextCheckSeconds: number;
    readonly mayHavePage: boolean;
  },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update payments
        set status = 'unknown', lease_id = null, lease_until = null,
            may_have_page = may_have_page or $5,
            next_check_at = now() + $4 * interval '1 second', updated_at = now()
      where tenant_id = $1 and id = $2 and lease_id = $3`,
    [tx.tenantId, id, end.leaseId, end.nextCheckSeconds, end.mayHavePage],
  );
  return rowCount === 1;
}

/** Stores that the provider refused the call, if the caller's lease still counts. */
export async function settleFailed(tx: TenantTx, id: PaymentId, leaseId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update payments
        set status = 'failed', lease_id = null, lease_until = null, next_check_at = null,
            updated_at = now()
      where tenant_id = $1 and id = $2 and lease_id = $3`,
    [tx.tenantId, id, leaseId],
  );
  return rowCount === 1;
}
