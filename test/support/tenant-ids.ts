import type pg from 'pg';

/** Where the ids of a kind of `src/domain/ids.ts` come from; $1 is the tenant. */
const sources: Readonly<Record<string, string>> = {
  TenantId: 'select id from tenants where id = $1',
  Slug: 'select slug as id from tenants where id = $1',
  ...ofTable({
    CustomerId: 'customers',
    OrderId: 'orders',
    PaymentId: 'payments',
    RefundId: 'refunds',
    OrderActionId: 'order_actions',
    NotificationId: 'notifications',
    AttentionItemId: 'attention_items',
    ReconciliationId: 'reconciliations',
    DifferenceId: 'reconciliation_differences',
    ApiKeyId: 'api_keys',
    InvitationId: 'invitations',
    SupportGrantId: 'support_grants',
  }),
  UserId: 'select user_id as id from memberships where tenant_id = $1 order by id',
  SessionId: `select s.id from identity.sessions s join memberships m on m.user_id = s.user_id
    where m.tenant_id = $1 order by s.id`,
  OrderReference: `select order_id as id from orders where tenant_id = $1 order by id`,
};

export type IdsByKind = ReadonlyMap<string, readonly string[]>;

const maxPerKind = 4;

/** Some ids of each kind that a tenant has. */
export async function readIds(admin: pg.Pool, tenantId: string): Promise<IdsByKind> {
  const found = new Map<string, readonly string[]>();
  for (const [kind, text] of Object.entries(sources)) {
    const { rows } = await admin.query<{ id: string }>(`${text} limit ${maxPerKind}`, [tenantId]);
    if (rows.length === 0) throw new Error(`The tenant has no ${kind}; its seed is too small.`);
    found.set(
      kind,
      rows.map(({ id }) => id),
    );
  }
  return found;
}

/** @throws Error for a kind that nobody has said the source of */
export function idsOf(ids: IdsByKind, kind: string): readonly string[] {
  const found = ids.get(kind);
  if (found) return found;
  throw new Error(`Nobody knows where a ${kind} comes from; say it in test/support/tenant-ids.ts.`);
}

function ofTable(tables: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(tables).map(([kind, table]) => [
    kind,
    `select id from ${table} where tenant_id = $1 order by id`,
  ]);
  return Object.fromEntries(entries);
}
