import type { Account } from './accounts.ts';
import type { Checkout } from './checkouts.ts';
import type { Method } from './methods.ts';

/** What a payment costs the merchant by this emulator's own price list. */
type Price = { readonly flat: number; readonly perTenThousand: number };

const prices: Readonly<Record<Method['group'], Price>> = {
  card: { flat: 2000, perTenThousand: 290 },
  bank: { flat: 4000, perTenThousand: 0 },
  wallet: { flat: 0, perTenThousand: 200 },
  shop: { flat: 5000, perTenThousand: 0 },
  credit: { flat: 0, perTenThousand: 200 },
  legacy: { flat: 5000, perTenThousand: 0 },
};

type Choice = { checkout: Checkout; account: Account; method: Method; paymentType: string };

/**
 * What the shopper pays on top: as the control API says for this order, or else as the create
 * request says, or else as the account's dashboard does.
 */
export function customerFee({ checkout, account, method, paymentType }: Choice): number {
  if (checkout.customerFee !== undefined) return checkout.customerFee;
  const { feeShares } = checkout.request;
  if (feeShares === undefined) return account.customerFee ?? 0;
  const share = feeShares.find(({ code }) => code === method.code || code === paymentType);
  if (!share) return 0;
  const { flat, perTenThousand } = prices[method.group];
  const price = flat + Math.ceil((checkout.grossAmount * perTenThousand) / 10_000);
  return Math.ceil((price * share.percentage) / 100);
}
