import type { Gateway, Merchant } from './gateway.ts';

/** What the provider says of a payment with a fee on top. */
export function withFee(fee = 4_000, original = 150_000) {
  const info = {
    original_amount: `${original}.00`,
    gross_amount: `${original + fee}.00`,
    customer_imposed_payment_fee: `${fee}.00`,
  };
  return {
    gross_amount: info.gross_amount,
    metadata: { extra_info: { gross_amount_info: info } },
  };
}

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
    /** Why its orders wait for a person. */
    reasons: async () => (await merchant.attention()).map(({ reason }) => reason).sort(),
    payment: async () => (await merchant.rows<Record<string, string>>('payments'))[0],
    stats: async () => (await merchant.stats()).body.stats,
    shown: async (orderId: string) => (await merchant.get(`/orders/${orderId}/status`)).body.order,
  };
}
