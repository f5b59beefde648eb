import { createHash } from 'node:crypto';
import type { PlatformTx, TenantTx } from '../db/database.ts';
import type { AuditEvent } from '../domain/audit.ts';
import type { Actor, Origin } from '../domain/caller.ts';
import type { TenantId } from '../domain/ids.ts';

export type AuditEntry = {
  readonly tenantId: TenantId;
  readonly seq: bigint;
  readonly at: Date;
  readonly action: string;
  readonly actor: Actor;
  readonly subject: AuditEvent['subject'];
  /** JSON, to the letter as it was hashed. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly requestId: string;
  readonly address: string | undefined;
};

export type Head = { readonly seq: bigint; readonly hash: Buffer };

/** What the first entry of a chain has in place of the hash before. */
export const genesis = Buffer.alloc(32);

/**
 * Adds an entry to a tenant's chain, in the transaction of what it tells of: just before the commit,
 * because the chain's end is locked until then, and is hot.
 */
export async function append(
  tx: TenantTx | PlatformTx,
  tenantId: TenantId,
  origin: Origin,
  event: AuditEvent,
): Promise<void> {
  tx.beforeCommit(tenantId, () => appendNow(tx, tenantId, origin, event));
}

/** As `append`, at once: for a transaction that changes nothing else. */
export async function appendNow(
  tx: TenantTx | PlatformTx,
  tenantId: TenantId,
  origin: Origin,
  event: AuditEvent,
): Promise<void> {
  const head = await lockHead(tx, tenantId);
  const entry: AuditEntry = {
    tenantId,
    seq: head.seq + 1n,
    at: new Date(),
    action: event.action,
    actor: origin.actor,
    subject: event.subject,
    before: event.before && JSON.stringify(event.before),
    after: event.after && JSON.stringify(event.after),
    requestId: origin.requestId,
    address: origin.address,
  };
  const hash = hashOf(entry, head.hash);
  // Together, in one round trip: others wait for this commit.
  await Promise.all([
    insert(tx, entry, { previous: head.hash, hash }),
    tx.query(`update audit_heads set seq = $2, hash = $3 where tenant_id = $1`, [
      tenantId,
      entry.seq,
      hash,
    ]),
  ]);
}

/** SHA-256 over the hash before and all that the entry says, as one JSON array. */
export function hashOf(entry: AuditEntry, previous: Buffer): Buffer {
  const { tenantId, seq, at, action, actor, subject, before, after, requestId, address } = entry;
  const content = [
    previous.toString('hex'),
    tenantId,
    String(seq),
    at.toISOString(),
    action,
    [actor.kind, actor.id ?? null, actor.label],
    [subject.kind, subject.id],
    before ?? null,
    after ?? null,
    requestId,
    address ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest();
}

/** The end of a chain, kept from everybody else until the commit. */
export async function lockHead(tx: TenantTx | PlatformTx, tenantId: TenantId): Promise<Head> {
  const found = await readHead(tx, tenantId);
  if (found) return found;
  // Of two that make a chain's first entry one waits here, and then finds what the other has made.
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('audit_heads ' || $1, 0))`, [
    tenantId,
  ]);
  const made = await readHead(tx, tenantId);
  if (made) return made;
  await tx.query(`insert into audit_heads (tenant_id, seq, hash) values ($1, 0, $2)`, [
    tenantId,
    genesis,
  ]);
  return { seq: 0n, hash: genesis };
}

async function readHead(tx: TenantTx | PlatformTx, tenantId: TenantId): Promise<Head | undefined> {
  const { rows } = await tx.query<Head>(
    `select seq, hash from audit_heads where tenant_id = $1 for update`,
    [tenantId],
  );
  return rows[0];
}

type Hashes = { readonly previous: Buffer; readonly hash: Buffer };

async function insert(
  tx: TenantTx | PlatformTx,
  entry: AuditEntry,
  { previous, hash }: Hashes,
): Promise<void> {
  const { actor, subject } = entry;
  await tx.query(
    `insert into audit_entries (tenant_id, seq, at, action, actor_kind, actor_id, actor_label,
                                subject_kind, subject_id, before, after, request_id, address,
                                previous_hash, hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      entry.tenantId,
      entry.seq,
      entry.at,
      entry.action,
      actor.kind,
      actor.id ?? null,
      actor.label,
      subject.kind,
      subject.id,
      entry.before ?? null,
      entry.after ?? null,
      entry.requestId,
      entry.address ?? null,
      previous,
      hash,
    ],
  );
}
