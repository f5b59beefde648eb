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

async function appendNow(
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

type EntryRow = {
  seq: bigint;
  at: Date;
  action: string;
  actor_kind: Actor['kind'];
  actor_id: string | null;
  actor_label: string;
  subject_kind: string;
  subject_id: string;
  before: string | null;
  after: string | null;
  request_id: string;
  address: string | null;
};

const columns = `tenant_id, seq, at, action, actor_kind, actor_id, actor_label, subject_kind, subject_id,
  before, after, request_id, address`;

export type AuditFilter = {
  readonly action?: string | undefined;
  /** The id or the label. */
  readonly actor?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
};
type Page = { readonly before?: bigint | undefined; readonly limit: number };

/** The entries of a chain that pass the filter, newest first. */
export async function list(
  tx: TenantTx,
  { action, actor, from, to, before, limit }: AuditFilter & Page,
): Promise<AuditEntry[]> {
  const { rows } = await tx.query<EntryRow>(
    `select ${columns} from audit_entries
      where tenant_id = $1 and ($2::bigint is null or seq < $2)
        and ($3::text is null or action = $3)
        and ($4::text is null or actor_id = $4 or actor_label = $4)
        and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
      order by seq desc limit $7`,
    [tx.tenantId, before ?? null, action ?? null, actor ?? null, from ?? null, to ?? null, limit],
  );
  return rows.map((row) => toEntry(tx.tenantId, row));
}

/** The newest entry of one kind. */
export async function findLast(
  tx: TenantTx,
  action: AuditEvent['action'],
): Promise<AuditEntry | undefined> {
  const { rows } = await tx.query<EntryRow>(
    `select ${columns} from audit_entries
      where tenant_id = $1 and action = $2
      order by seq desc limit 1`,
    [tx.tenantId, action],
  );
  return rows[0] && toEntry(tx.tenantId, rows[0]);
}

/** An entry as it is stored, with what chains it. */
export type Link = {
  readonly entry: AuditEntry;
  readonly previousHash: Buffer;
  readonly hash: Buffer;
  /** Entries are made in whole milliseconds, and hashed so. */
  readonly isWholeMoment: boolean;
};
type LinkRow = EntryRow & { previous_hash: Buffer; hash: Buffer; is_whole_moment: boolean };

/** The links of a chain after one of them, in their order. */
export async function listLinks(
  tx: TenantTx,
  { after, limit }: { readonly after: bigint; readonly limit: number },
): Promise<Link[]> {
  const { rows } = await tx.query<LinkRow>(
    `select ${columns}, previous_hash, hash, at = date_trunc('milliseconds', at) as is_whole_moment
       from audit_entries
      where tenant_id = $1 and seq > $2
      order by seq limit $3`,
    [tx.tenantId, after, limit],
  );
  return rows.map((row) => ({
    entry: toEntry(tx.tenantId, row),
    previousHash: row.previous_hash,
    hash: row.hash,
    isWholeMoment: row.is_whole_moment,
  }));
}

/** Where a chain says that it ends; more than one end is one too many. */
export async function listHeads(tx: TenantTx): Promise<Head[]> {
  const { rows } = await tx.query<Head>(
    `select seq, hash from audit_heads where tenant_id = $1 order by seq limit 2`,
    [tx.tenantId],
  );
  return rows;
}

/** The last entry of a chain, and its end, as they are at one moment. */
export async function readEnd(tx: TenantTx) {
  const { rows } = await tx.query<{ last: bigint | null; head: bigint | null }>(
    `select (select max(seq) from audit_entries where tenant_id = $1) as last,
            (select max(seq) from audit_heads where tenant_id = $1) as head`,
    [tx.tenantId],
  );
  return { last: rows[0]?.last ?? 0n, head: rows[0]?.head ?? 0n };
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

function toEntry(tenantId: TenantId, row: EntryRow): AuditEntry {
  const { actor_kind: kind, actor_id: id, actor_label: label } = row;
  return {
    tenantId,
    seq: row.seq,
    at: row.at,
    action: row.action,
    actor: { kind, id: id ?? undefined, label },
    subject: { kind: row.subject_kind, id: row.subject_id },
    before: row.before ?? undefined,
    after: row.after ?? undefined,
    requestId: row.request_id,
    address: row.address ?? undefined,
  };
}
