import type { Logger } from 'pino';
import type { TenantTx } from '../db/database.ts';
import type { PaymentId, ReconciliationId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import * as outbox from '../repositories/outbox.ts';
import * as payments from '../repositories/payments.ts';
import * as differences from '../repositories/reconciliation-differences.ts';
import * as questions from '../repositories/reconciliation-questions.ts';
import type { Reconciliation } from '../repositories/reconciliations.ts';
import * as reconciliations from '../repositories/reconciliations.ts';
import * as refunds from '../repositories/refunds.ts';
import {
  type Answered,
  createReconciliationQuestions,
  type Entry,
} from './reconciliation-questions.ts';

type Dependencies = Parameters<typeof createReconciliationQuestions>[0] & { readonly log: Logger };

type Work = {
  readonly id: ReconciliationId;
  /** Only this one: what its job was made for. */
  readonly batch?: number;
  /** After so many batches in a row that settled nothing, the run ends with open questions. */
  readonly maxSilences?: number;
  /** No question begins after these. */
  readonly askingMs?: number;
};

/**
 * `advanced`: the next batch can begin. `paused`: nothing could be settled, and a while should pass.
 * `overtaken`: somebody else worked on the same batch, and was faster. `over`: nothing is left to do.
 */
export type Progress = 'advanced' | 'paused' | 'overtaken' | 'over';

type Result = { readonly paymentId: PaymentId; readonly answered: Answered };
type Asked = { readonly results: readonly Result[]; readonly isWhole: boolean };

/** Of a job's 120 seconds: a question that has begun takes at most 30 more. */
const jobAskingMs = 50_000;
const batchSize = 100;
const questionsAtOnce = 4;
/** After so many silences in a row a provider is left alone until the next batch. */
const patience = 3;
/** With the growing gaps between the tries of a job, about two hours. */
const maxJobSilences = 12;

export type ReconciliationBatches = ReturnType<typeof createReconciliationBatches>;

/**
 * The work of a reconciliation, a bounded part at a time. A batch is asked with no transaction
 * open; what a payment's answer means is written at once; how far the run has come is written last,
 * together with the job of the next batch. Dying in between repeats the batch, which then agrees.
 */
export function createReconciliationBatches(dependencies: Dependencies) {
  const { db, log } = dependencies;
  const { ask } = createReconciliationQuestions(dependencies);

  async function work(
    tenant: Tenant,
    { id, batch, maxSilences = maxJobSilences, askingMs = jobAskingMs }: Work,
  ): Promise<Progress> {
    const { run, entries } = await db.withTenant(tenant.id, (tx) => open(tx, id));
    if (run?.status !== 'running' || (batch ?? run.batch) !== run.batch) return 'over';
    const asked = await askAll({ tenant, run, until: performance.now() + askingMs }, entries);
    const { progress, counts } = await db.withTenant(tenant.id, (tx) =>
      conclude(tx, { run, asked, maxSilences }),
    );
    if (counts) {
      const found = { tenantId: tenant.id, reconciliationId: id, ...counts };
      if (counts.open + counts.unanswered === 0) log.info(found, 'a reconciliation is done');
      else log.warn(found, 'a reconciliation needs a person');
    }
    return progress;
  }

  /** The payments of the next batch: of the window, or, once it is through, of open questions. */
  async function open(tx: TenantTx, id: ReconciliationId) {
    const run = await reconciliations.find(tx, id);
    if (run?.status !== 'running') return { run, entries: [] };
    const ids = run.isListed
      ? await questions.list(tx, id, batchSize)
      : await reconciliations.listWindow(tx, run, batchSize);
    const found = await payments.listByIds(tx, ids);
    const all = await refunds.listOfPayments(tx, ids);
    const entries = found.map((payment) => ({
      payment,
      refunds: all.filter(({ paymentId }) => paymentId === payment.id),
    }));
    // As they were chosen: questions that were asked less often come first.
    entries.sort((a, b) => ids.indexOf(a.payment.id) - ids.indexOf(b.payment.id));
    return { run, entries };
  }

  /** Some at a time and in order, until all are asked, time is up, or the provider is silent. */
  async function askAll(
    { tenant, run, until }: { tenant: Tenant; run: Reconciliation; until: number },
    entries: readonly Entry[],
  ): Promise<Asked> {
    const waiting = entries.values();
    const results: Result[] = [];
    let silences = 0;
    const lanes = Array.from({ length: questionsAtOnce }, async () => {
      while (silences < patience && performance.now() < until) {
        const { value: entry } = waiting.next();
        if (!entry) return;
        const answered = await ask({ tenant, run }, entry).catch(brokenQuestion(entry));
        silences = answered.kind === 'again' && answered.isSilent ? silences + 1 : 0;
        results.push({ paymentId: entry.payment.id, answered });
      }
    });
    await Promise.all(lanes);
    return { results, isWhole: results.length === entries.length };
  }

  function brokenQuestion({ payment }: Entry) {
    return (error: unknown): Answered => {
      log.error({ err: error, paymentId: payment.id }, 'a reconciliation of a payment broke');
      return { kind: 'again', reason: 'an error on our side', isSilent: false };
    };
  }

  return { work };
}

type Conclusion = {
  readonly progress: Progress;
  /** What the run has come to, if this was its end. */
  readonly counts?: differences.DifferenceCounts & { readonly unanswered: number };
};

/** Writes what a batch has come to, and what follows: the next one, another try, or the end. */
async function conclude(
  tx: TenantTx,
  { run, asked, maxSilences }: { run: Reconciliation; asked: Asked; maxSilences: number },
): Promise<Conclusion> {
  // Before anything else: whoever was overtaken writes nothing.
  if (!(await reconciliations.lock(tx, run))) return { progress: 'overtaken' };
  const settled = await store(tx, run, asked.results);
  const left = await questions.count(tx, run.id);
  const step = stepAfter(run, asked, settled);
  const isGivenUp = step.silences >= maxSilences;
  const unasked = isGivenUp ? await countUnasked(tx, { ...run, ...step }) : 0;
  const isOver = isGivenUp || (step.isListed && left === 0);
  const unanswered = left + unasked;
  const status = isOver ? endOf(unanswered) : 'running';
  await reconciliations.move(tx, run, { ...step, status, unanswered });
  if (isOver) {
    const countsOf = await differences.countByRun(tx, [run.id]);
    return { progress: 'over', counts: { ...countsOf(run.id), unanswered } };
  }
  if (step.batch === run.batch) return { progress: 'paused' };
  await queueBatch(tx, { id: run.id, batch: step.batch });
  return { progress: 'advanced' };
}

/** Has a batch worked on, once this transaction is committed. */
export async function queueBatch(
  tx: TenantTx,
  { id, batch }: Pick<Reconciliation, 'id' | 'batch'>,
): Promise<void> {
  await outbox.add(tx, { topic: 'reconcile', payload: { reconciliationId: id, batch } });
}

/** Keeps what has to be asked again, and closes what was open; answers how many are settled. */
async function store(tx: TenantTx, run: Reconciliation, results: readonly Result[]) {
  const left: questions.Question[] = [];
  const agreeing: PaymentId[] = [];
  const settled: PaymentId[] = [];
  for (const { paymentId, answered } of results) {
    if (answered.kind === 'again') left.push({ paymentId, reason: answered.reason });
    else settled.push(paymentId);
    if (answered.kind === 'agrees') agreeing.push(paymentId);
  }
  await questions.put(tx, run.id, left);
  await questions.remove(tx, run.id, settled);
  await differences.resolveAgreeing(tx, run.id, agreeing);
  // No order is locked: only a run puts these on the list, and its tenant has no other one now.
  await attentionItems.settleOfPayments(tx, {
    paymentIds: agreeing,
    reason: 'books-differ',
    detail: "The provider's books and ours agree now.",
  });
  return settled.length;
}

type Step = Pick<Reconciliation, 'checked' | 'cursor' | 'isListed' | 'batch' | 'silences'>;

/** How far the run has come by what was asked. */
function stepAfter(run: Reconciliation, { results, isWhole }: Asked, settled: number): Step {
  const isPaused = results.length > 0 && settled === 0;
  return {
    checked: run.checked + settled,
    cursor: run.isListed ? run.cursor : lastOf(results, run.cursor),
    isListed: run.isListed || (isWhole && results.length < batchSize),
    // A pause repeats the same job, which waits longer each time.
    batch: isPaused ? run.batch : run.batch + 1,
    silences: isPaused ? run.silences + 1 : 0,
  };
}

async function countUnasked(tx: TenantTx, run: Reconciliation): Promise<number> {
  return run.isListed ? 0 : reconciliations.countWindow(tx, run);
}

function lastOf(results: readonly Result[], cursor: PaymentId | undefined): PaymentId | undefined {
  const ids = results.map(({ paymentId }) => paymentId).sort();
  return ids.at(-1) ?? cursor;
}

function endOf(unanswered: number): Reconciliation['status'] {
  return unanswered > 0 ? 'incomplete' : 'done';
}
