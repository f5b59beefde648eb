import type { Gateway, Merchant } from './gateway.ts';

type PaymentRow = {
  readonly attempt: number;
  readonly status: string;
  readonly captured_amount: string;
  readonly refunded_amount: string;
  readonly lost_amount: string;
};

/** A merchant's books, for looking at. */
export function openBooks({ admin }: Gateway, merchant: Merchant) {
  return {
    /** What is in each account of the ledger: debits less credits. */
    async balances(): Promise<Record<string, number>> {
      const { rows } = await admin.query<{ account: string; balance: string }>(
        `select account, sum(debits - credits) as balance from ledger_days
          where tenant_id = $1 group by account`,
        [merchant.id],
      );
      return Object.fromEntries(rows.map(({ account, balance }) => [account, Number(balance)]));
    },
    /** What the provider owes the merchant, as the ledger has it. */
    async providerBalance(): Promise<number> {
      return (await this.balances()).provider_balance ?? 0;
    },
    /** What each payment of the one order took, gave back and lost, oldest first. */
    async positions() {
      const rows = await merchant.rows<PaymentRow>('payments');
      return rows
        .sort((a, b) => a.attempt - b.attempt)
        .map((row) => [
          row.status,
          Number(row.captured_amount),
          Number(row.refunded_amount),
          Number(row.lost_amount),
        ]);
    },
    /** Why its orders wait for a person. */
    reasons: async () => (await merchant.attention()).map(({ reason }) => reason).sort(),
    payment: async () => (await merchant.rows<Record<string, string>>('payments'))[0],
    stats: async () => (await merchant.stats()).body.stats,
    shown: async (orderId: string) => (await merchant.get(`/orders/${orderId}/status`)).body.order,
  };
}
