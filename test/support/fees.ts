import { expect } from 'vitest';
import type { openBooks } from './books.ts';

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

/** That an order is paid with a fee of 4000 on top, however it was learned. */
export async function expectPaidWithFee(
  books: ReturnType<typeof openBooks>,
  orderId: string,
): Promise<void> {
  expect(await books.shown(orderId)).toMatchObject({
    status: 'paid',
    amount: 150_000,
    customerFee: 4_000,
    refundedAmount: 0,
  });
  expect(await books.payment()).toMatchObject({
    amount: '150000',
    customer_fee: '4000',
    captured_amount: '154000',
  });
  expect(await books.balances()).toEqual({
    provider_balance: 154_000,
    sales: -150_000,
    customer_fees: -4_000,
  });
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 150_000 });
  expect(await books.reasons()).toEqual(['fee-on-top']);
}
