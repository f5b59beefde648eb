import { randomUUID } from 'node:crypto';
import type { Account } from './accounts.ts';
import { type Books, type BooksFilter, filtered, nextChange } from './books.ts';
import type { Clock } from './clock.ts';
import { isSuccessful } from './statuses.ts';
import type { Transactions } from './transactions.ts';
import { type CheckoutRequest, pageExpiresAt } from './validation.ts';

/** One Snap token with its page; an order has a new one for each create. */
export type Checkout = {
  readonly token: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly grossAmount: number;
  readonly state: 'open' | 'replaced' | 'cancelled';
  readonly request: StoredRequest;
  /** A fee that the control API has set for this page, whatever else says. */
  readonly customerFee?: number | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly changed: number;
};
/** What the merchant asked for, and where this order's notifications go besides the dashboard's. */
export type StoredRequest = CheckoutRequest & {
  readonly overrideUrls: readonly string[];
  readonly appendUrls: readonly string[];
};

type CheckoutRow = {
  token: string;
  merchant_id: string;
  order_id: string;
  gross_amount: number;
  state: Checkout['state'];
  request: string;
  customer_fee: number | null;
  created_at: number;
  expires_at: number;
  changed: number;
};
const columns = `token, merchant_id, order_id, gross_amount, state, request, customer_fee,
  created_at, expires_at, changed`;
const prefix = 'transaction_details.order_id';

export function createCheckouts(books: Books, clock: Clock, transactions: Transactions) {
  function find(token: string): Checkout | undefined {
    const row = books.get<CheckoutRow>(`select ${columns} from checkouts where token = ?`, token);
    return row && toCheckout(row);
  }

  function get(token: string): Checkout {
    const checkout = find(token);
    if (!checkout) throw new Error('The books name a token that they do not hold.');
    return checkout;
  }

  /** The newest page of an order, of one account or (without `merchantId`) of whichever was last. */
  function findNewest(orderId: string, merchantId?: string): Checkout | undefined {
    const row = books.get<CheckoutRow>(
      `select ${columns} from checkouts
        where order_id = ?1 and (?2 is null or merchant_id = ?2)
        order by number desc limit 1`,
      orderId,
      merchantId ?? null,
    );
    return row && toCheckout(row);
  }

  /** Why the order id cannot be used again, in Midtrans' words; undefined when it can. */
  function whyTaken({ merchantId, orderId }: { merchantId: string; orderId: string }) {
    const statuses = transactions.listOfOrder(merchantId, orderId).map(({ status }) => status);
    if (statuses.some(isSuccessful)) {
      return `${prefix} has been paid and utilized, please use another order ID`;
    }
    return statuses.includes('pending') ? `${prefix} has already been taken` : undefined;
  }

  /** Makes a page and ends the order's earlier one. The caller has asked `whyTaken` before. */
  function create(account: Account, request: StoredRequest): Checkout {
    const token = randomUUID();
    const now = clock.now();
    books.transaction(() => {
      books.run(
        `update checkouts set state = 'replaced', changed = ${nextChange}
          where merchant_id = ? and order_id = ? and state = 'open'`,
        account.merchantId,
        request.orderId,
      );
      books.run(
        `insert into checkouts (${columns})
         values (?, ?, ?, ?, 'open', ?, null, ?, ?, ${nextChange})`,
        ...[token, account.merchantId, request.orderId, request.grossAmount],
        ...[JSON.stringify(request), now, pageExpiresAt(request, now)],
      );
    });
    return get(token);
  }

  function cancel(token: string): void {
    books.run(
      `update checkouts set state = 'cancelled', changed = ${nextChange}
        where token = ? and state = 'open'`,
      token,
    );
  }

  function imposeFee(token: string, amount: number): void {
    books.run(
      `update checkouts set customer_fee = ?, changed = ${nextChange} where token = ?`,
      amount,
      token,
    );
  }

  function list(filter: BooksFilter): Checkout[] {
    const { clause, values } = filtered(filter);
    const rows = books.all<CheckoutRow>(`select ${columns} from checkouts ${clause}`, ...values);
    return rows.map(toCheckout);
  }

  return { find, get, findNewest, whyTaken, create, cancel, imposeFee, list };
}
export type Checkouts = ReturnType<typeof createCheckouts>;

function toCheckout(row: CheckoutRow): Checkout {
  return {
    token: row.token,
    merchantId: row.merchant_id,
    orderId: row.order_id,
    grossAmount: row.gross_amount,
    state: row.state,
    request: JSON.parse(row.request),
    customerFee: row.customer_fee ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    changed: row.changed,
  };
}
