import type pg from 'pg';
import { z } from 'zod';

/** What the emulator's books say of one refund; they have more. */
export const BookedRefund = z.object({
  refund_key: z.string(),
  amount: z.number(),
  state: z.enum(['accepted', 'confirmed', 'refused']),
});

type Booked = {
  readonly transaction_id: string;
  readonly order_id: string;
  readonly merchant_id: string;
  readonly refunds: readonly z.infer<typeof BookedRefund>[];
};
type Payment = { readonly id: string; readonly merchant: string; readonly reference: string };
type RefundRow = {
  readonly id: string;
  readonly payment_id: string;
  readonly provider_key: string;
  readonly status: string;
  readonly amount: string;
};

export async function readRefunds(client: pg.Client): Promise<RefundRow[]> {
  const { rows } = await client.query<RefundRow>(
    'select id, payment_id, provider_key, status, amount from refunds',
  );
  return rows;
}

/** I5: one refund there for each that stands here, of the same sum, and none besides. */
export function findOddRefunds(
  transactions: readonly Booked[],
  payments: readonly Payment[],
  refunds: readonly RefundRow[],
): string[] {
  const payment = new Map(payments.map((row) => [row.id, row]));
  const ours = Map.groupBy(
    refunds.filter(({ status }) => status !== 'refused'),
    ({ payment_id, provider_key }) => {
      const { merchant, reference } = payment.get(payment_id) ?? {};
      return `${merchant} ${reference} refund ${provider_key}`;
    },
  );
  const theirs = Map.groupBy(
    transactions.flatMap(({ merchant_id, order_id, refunds: listed }) =>
      listed
        .filter(({ state }) => state !== 'refused')
        .map((refund) => ({
          ...refund,
          name: `${merchant_id} ${order_id} refund ${refund.refund_key}`,
        })),
    ),
    ({ name }) => name,
  );
  return [...new Set([...ours.keys(), ...theirs.keys()])].flatMap((name) => {
    const [here, ...furtherHere] = ours.get(name) ?? [];
    const [there, ...furtherThere] = theirs.get(name) ?? [];
    if (!here) return [`${name} stands there and not here`];
    if (!there) return [`${name} is ${here.status} here and does not stand there`];
    if (furtherHere.length > 0 || furtherThere.length > 0) return [`${name} was made twice`];
    if (Number(here.amount) !== there.amount) {
      return [`${name} is of ${here.amount} here and of ${there.amount} there`];
    }
    const isEarly = here.status === 'confirmed' && there.state !== 'confirmed';
    return isEarly ? [`${name} is confirmed here and ${there.state} there`] : [];
  });
}

/**
 * I13: whatever has no end will be looked at, by a sweep that does so in time, and a person was told
 * of what is past its limit. A few hours are allowed: the last looks are six apart.
 */
export const nothingForgotten = {
  name: 'I13 no refund, cancel or capture is stuck: each is looked at, or a person was told',
  count: 'select (select count(*) from refunds) + (select count(*) from order_actions) as count',
  violations: `
    with passing as (
      select 'refund ' || id as what, status, next_check_at, alarmed_at,
             case when status = 'accepted' then accepted_at + interval '32 days'
                  else created_at + interval '2 days 12 hours' end as told_by
        from refunds where status in ('requested', 'unknown', 'accepted')
       union all
      select kind || ' ' || id, status, next_check_at, alarmed_at,
             created_at + interval '2 days 12 hours'
        from order_actions where status = 'requested')
    select what || ' is ' || status || case
             when told_by < now() then ' and nobody was told' else ' and is not looked at' end as line
      from passing
     where alarmed_at is null and (told_by < now() or next_check_at is null)
        or next_check_at < now() - interval '1 hour'`,
};
