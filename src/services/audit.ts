import {
  type AuditEntryView,
  type AuditQuery,
  type AuditReply,
  Facts,
} from '../contracts/audit.ts';
import { pageOf } from '../contracts/pages.ts';
import type { Db } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import type { AuditEntry } from '../repositories/audit-entries.ts';
import * as auditEntries from '../repositories/audit-entries.ts';

export type AuditService = ReturnType<typeof createAuditService>;

export function createAuditService({ db }: { db: Db }) {
  /** A chain, newest first: a tenant's, or by the nil id the platform's. */
  async function list(chain: TenantId, query: AuditQuery): Promise<AuditReply> {
    const { cursor: before, limit, ...filter } = query;
    const found = await db.withTenantOnce(chain, (tx) =>
      auditEntries.list(tx, { ...filter, before, limit: limit + 1 }),
    );
    const { items, next } = pageOf(found, limit, ({ seq }) => String(seq));
    return { success: true, entries: items.map(toView), next };
  }

  return { list };
}

function toView(entry: AuditEntry): AuditEntryView {
  const { seq, at, action, actor, subject, before, after, requestId, address } = entry;
  return {
    seq: Number(seq),
    at: at.toISOString(),
    action,
    actor: { kind: actor.kind, id: actor.id ?? null, label: actor.label },
    subject,
    before: toFacts(before),
    after: toFacts(after),
    requestId,
    address: address ?? null,
  };
}

/** Whoever altered an entry behind Kassa's back must not be able to hide the others by it. */
function toFacts(text: string | undefined): AuditEntryView['before'] {
  if (text === undefined) return null;
  try {
    return Facts.parse(JSON.parse(text));
  } catch {
    return { unreadable: text };
  }
}
