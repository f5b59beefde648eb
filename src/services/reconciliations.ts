import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { pageOf } from '../contracts/pages.ts';
import type {
  DifferenceReply,
  DifferenceView,
  ReconciliationListReply,
  ReconciliationReportReply,
  ReconciliationView,
  ResolveRequest,
} from '../contracts/reconciliations.ts';
import type { Db } from '../db/database.ts';
import { bySystem, type Origin } from '../domain/caller.ts';
import { type DifferenceId, ReconciliationId } from '../domain/ids.ts';
import { localDate } from '../domain/local-time.ts';
import { Problem } from '../domain/problems.ts';
import {
  faultIn,
  nightlyWindow,
  type ReconciliationWindow,
} from '../domain/reconciliation-window.ts';
import { accountOf, type Tenant } from '../domain/tenant.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as differences from '../repositories/reconciliation-differences.ts';
import * as questions from '../repositories/reconciliation-questions.ts';
import type { Reconciliation } from '../repositories/reconciliations.ts';
import * as reconciliations from '../repositories/reconciliations.ts';
import { queueBatch } from './reconciliation-batches.ts';

type Dependencies = { readonly db: Db; readonly log: Logger };
type NewRun = Pick<Reconciliation, 'id' | 'trigger' | 'window'> & { readonly origin: Origin };
type Page<Id> = { readonly cursor: Id | undefined; readonly limit: number };
type Resolution = ResolveRequest & { readonly origin: Origin };
type Finding = { readonly id: DifferenceId; readonly reconciliationId: ReconciliationId };

/** More than twice the longest pause between the tries of a job: its job is lost, or dead. */
const abandonedHours = 3;
/** What a report names of the questions that were not answered. */
const maxUnanswered = 50;

export type Reconciliations = ReturnType<typeof createReconciliations>;

/** The reconciliations of a tenant: begun, shown, and looked into. Their work is in batches. */
export function createReconciliations({ db, log }: Dependencies) {
  /**
   * Begins to reconcile a window, or answers the run that does so already.
   *
   * @throws Problem `provider-not-configured`, `reconciliation-in-progress`
   */
  async function begin(tenant: Tenant, asked: NewRun): Promise<Reconciliation> {
    accountOf(tenant);
    const run = (await open(tenant, asked)) ?? (await findKnown(tenant, asked.id));
    const { from, to } = run?.window ?? {};
    if (run && from === asked.window.from && to === asked.window.to) return run;
    throw new Problem(
      'reconciliation-in-progress',
      run
        ? `${from} to ${to} is being reconciled. Ask again when that has ended.`
        : 'A reconciliation has just ended. Send the same request again.',
      { retryAfter: run ? 60 : 1 },
    );
  }

  /** Begins the last night's run, unless it was begun or another one is running; true if so. */
  async function beginNightly(tenant: Tenant, at: Date): Promise<boolean> {
    if (!tenant.midtrans) return false;
    const window = nightlyWindow(at, tenant);
    const id = ReconciliationId.parse(uuidv7());
    const origin = bySystem('nightly reconciliation', id);
    const run = await open(tenant, { id, trigger: 'nightly', window, origin });
    return run !== undefined;
  }

  async function open(
    tenant: Tenant,
    { origin, ...run }: NewRun,
  ): Promise<Reconciliation | undefined> {
    const { timeZone } = tenant;
    const { opened, abandoned } = await db.withTenant(tenant.id, async (tx) => {
      const failed = await reconciliations.failAbandoned(tx, { hours: abandonedHours });
      const inserted = await reconciliations.insert(tx, { ...run, timeZone });
      if (inserted) {
        await queueBatch(tx, inserted);
        await auditEntries.append(tx, tenant.id, origin, {
          action: 'reconciliation.started',
          subject: { kind: 'reconciliation', id: inserted.id },
          after: { trigger: inserted.trigger, ...inserted.window },
        });
      }
      return { opened: inserted, abandoned: failed };
    });
    if (abandoned) {
      log.error({ tenantId: tenant.id, reconciliationId: abandoned }, 'a reconciliation failed');
    }
    return opened;
  }

  /** The run of this id, or else the one that keeps it from beginning. */
  async function findKnown(
    tenant: Tenant,
    id: ReconciliationId,
  ): Promise<Reconciliation | undefined> {
    return db.withTenant(
      tenant.id,
      async (tx) => (await reconciliations.find(tx, id)) ?? reconciliations.findRunning(tx),
    );
  }

  /** The run as it is shown. */
  async function show(tenant: Tenant, run: Reconciliation): Promise<ReconciliationView> {
    const countsOf = await db.withTenantOnce(tenant.id, (tx) =>
      differences.countByRun(tx, [run.id]),
    );
    return toView(run, countsOf(run.id));
  }

  async function list(
    tenant: Tenant,
    { cursor, limit }: Page<ReconciliationId>,
  ): Promise<ReconciliationListReply> {
    return db.withTenantSnapshot(tenant.id, async (tx) => {
      const runs = await reconciliations.list(tx, { before: cursor, limit: limit + 1 });
      const { items: page, next } = pageOf(runs, limit, ({ id }) => id);
      const ids = page.map(({ id }) => id);
      const countsOf = await differences.countByRun(tx, ids);
      const views = page.map((run) => toView(run, countsOf(run.id)));
      return { success: true, reconciliations: views, next };
    });
  }

  /** @throws Problem `reconciliation-not-found` */
  async function report(
    tenant: Tenant,
    id: ReconciliationId,
    { cursor, limit }: Page<DifferenceId>,
  ): Promise<ReconciliationReportReply> {
    return db.withTenantSnapshot(tenant.id, async (tx) => {
      const run = await reconciliations.find(tx, id);
      if (!run) throw notFound(id);
      const countsOf = await differences.countByRun(tx, [id]);
      const found = await differences.list(tx, id, { after: cursor, limit: limit + 1 });
      const { items, next } = pageOf(found, limit, (difference) => difference.id);
      return {
        success: true,
        reconciliation: toView(run, countsOf(id)),
        differences: items.map(toDifferenceView),
        next,
      };
    });
  }

  /** The orders that could not be asked about, and why; at most 50. */
  async function listUnanswered(tenant: Tenant, id: ReconciliationId) {
    return db.withTenantOnce(tenant.id, (tx) => questions.listForReport(tx, id, maxUnanswered));
  }

  /**
   * Closes a difference by a person's word. One that is closed already is left as it is.
   *
   * @throws Problem `reconciliation-not-found`
   */
  async function resolve(
    tenant: Tenant,
    { id, reconciliationId }: Finding,
    { by, note, origin }: Resolution,
  ): Promise<DifferenceReply> {
    const finding = { id, reconciliationId };
    const { label } = origin.actor;
    const named = by === undefined ? label : `${label} (${by})`;
    return db.withTenant(tenant.id, async (tx) => {
      const isResolved = await differences.resolve(tx, finding, { by: named, note });
      const difference = await differences.find(tx, finding);
      if (!difference) throw notFound(reconciliationId);
      if (isResolved) {
        await auditEntries.append(tx, tenant.id, origin, {
          action: 'reconciliation-difference.resolved',
          subject: { kind: 'reconciliation-difference', id },
          before: { resolution: 'open' },
          after: { resolution: 'resolved', order: difference.order, what: difference.what },
        });
      }
      return { success: true, difference: toDifferenceView(difference) };
    });
  }

  return { begin, beginNightly, show, list, report, listUnanswered, resolve };
}

/** @throws Problem `invalid-request` for days that cannot be reconciled */
export function requireWindow(window: ReconciliationWindow, { timeZone }: Tenant): void {
  const fault = faultIn(window, localDate(new Date(), timeZone).day);
  if (!fault) return;
  throw new Problem('invalid-request', 'These days cannot be reconciled.', { errors: [fault] });
}

function notFound(id: ReconciliationId): Problem {
  return new Problem('reconciliation-not-found', `There is no such thing in reconciliation ${id}.`);
}

function toView(run: Reconciliation, counts: differences.DifferenceCounts): ReconciliationView {
  return {
    id: run.id,
    trigger: run.trigger,
    status: run.status,
    ...run.window,
    counts: { checked: run.checked, unanswered: run.unanswered, ...counts },
    startedAt: run.startedAt.toISOString(),
    finishedAt: run.finishedAt?.toISOString() ?? null,
  };
}

function toDifferenceView(found: differences.FoundDifference): DifferenceView {
  return {
    id: found.id,
    orderId: found.order,
    paymentReference: found.paymentReference,
    what: found.what,
    refundKey: found.what === 'refund' ? found.subject : null,
    ours: found.ours,
    theirs: found.theirs,
    currency: found.currency,
    resolution: found.resolution,
    resolvedBy: found.resolvedBy ?? null,
    note: found.note ?? null,
    foundAt: found.createdAt.toISOString(),
    resolvedAt: found.resolvedAt?.toISOString() ?? null,
  };
}
