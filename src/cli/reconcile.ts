import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { DifferenceView, ReconciliationReportReply } from '../contracts/reconciliations.ts';
import type { Origin } from '../domain/caller.ts';
import { DifferenceId, ReconciliationId } from '../domain/ids.ts';
import { currencyOf, formatMoney } from '../domain/money.ts';
import type { ReconciliationWindow } from '../domain/reconciliation-window.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Wiring } from '../wire.ts';

type Services = Wiring['services'];
type Report = { readonly tenant: Tenant; readonly id: ReconciliationId };
type Order = {
  readonly tenant: Tenant;
  readonly window: ReconciliationWindow;
  readonly origin: Origin;
  readonly say: (line: string) => void;
};

/** A person waits: some seconds of silence are enough. */
const maxSilences = 5;
const firstPauseMs = 250;
const pageSize = 100;

/**
 * Reconciles a window here and now, beside whatever worker there is, and says what was found; false
 * when something is left for a person.
 */
export async function reconcile(
  services: Services,
  { tenant, window, origin, say }: Order,
): Promise<boolean> {
  const id = ReconciliationId.parse(uuidv7());
  const asked = { id, trigger: 'operator', window, origin } as const;
  const run = await services.reconciliations.begin(tenant, asked);
  const report = { tenant, id: run.id };
  await runToEnd(services, report);
  const { reconciliation } = await pageOf(services, report, undefined);
  const { status, from, to, counts } = reconciliation;
  say(`${tenant.slug}, ${from} to ${to}: ${status}`);
  say(`${counts.checked} payments compared, ${counts.unanswered} questions unanswered`);
  say(
    `${counts.differences} differences: ${counts.repaired} repaired, ${counts.resolved} resolved, ${counts.open} open`,
  );
  for await (const difference of differencesOf(services, report)) say(lineOf(difference));
  for (const { order, reason } of await services.reconciliations.listUnanswered(tenant, run.id)) {
    say(`  ${order}  unanswered: ${reason}`);
  }
  return status === 'done' && counts.open === 0;
}

async function runToEnd(services: Services, { tenant, id }: Report): Promise<void> {
  for (let pauses = 0; ; ) {
    const progress = await services.reconciliationBatches.work(tenant, { id, maxSilences });
    if (progress === 'over') return;
    if (progress === 'paused') pauses += 1;
    if (progress !== 'advanced') await sleep(firstPauseMs * 2 ** pauses);
  }
}

async function* differencesOf(services: Services, report: Report) {
  let after: string | undefined;
  for (;;) {
    const { differences, next } = await pageOf(services, report, after);
    yield* differences;
    if (next === null) return;
    after = next;
  }
}

async function pageOf(
  { reconciliations }: Services,
  { tenant, id }: Report,
  after: string | undefined,
): Promise<ReconciliationReportReply> {
  const cursor = after === undefined ? undefined : DifferenceId.parse(after);
  return reconciliations.report(tenant, id, { cursor, limit: pageSize });
}

function lineOf(difference: DifferenceView): string {
  const { orderId, what, refundKey, ours, theirs, currency, resolution, resolvedBy } = difference;
  const subject = refundKey === null ? what : `refund ${refundKey}`;
  const values = `${readable(ours, currency)} here, ${readable(theirs, currency)} there`;
  return `  ${orderId}  ${subject}: ${values}; ${resolution}${resolvedBy === null ? '' : ` by ${resolvedBy}`}`;
}

/** Amounts as people read them. What is not an amount is words, and may end in one. */
function readable(value: string, currency: string): string {
  return value.replace(/(?<=^| )\d+$/, (amount) =>
    formatMoney({ amount: BigInt(amount), currency: currencyOf(currency) }, 'en'),
  );
}
