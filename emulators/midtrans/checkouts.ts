import { randomUUID } from 'node:crypto';
import type { Account } from './accounts.ts';
import type { Books } from './books.ts';
import type { Clock } from './clock.ts';
import { isPaid } from './statuses.ts';
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
  readonly createdAt: number;
  readonly expiresAt: number;
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
  created_at: number;
  expires_at: number;
};
const columns = `token, merchant_id, order_id, gross_amount, state, request, created_at, expires_at`;
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
    if (statuses.some(isPaid)) {
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
        `update checkouts set state = 'replaced'
          where merchant_id = ? and order_id = ? and state = 'open'`,
        account.merchantId,
        request.orderId,
      );
      books.run(
        `insert into checkouts (${columns}) values (?, ?, ?, ?, 'open', ?, ?, ?)`,
        ...[token, account.merchantId, request.orderId, request.grossAmount],
        ...[JSON.stringify(request), now, pageExpiresAt(request, now)],
      );
    });
    return get(token);
  }

  function cancel(token: string): void {
    books.run(`update checkouts set state = 'cancelled' where token = ? and state = 'open'`, token);
  }

  function list(): Checkout[] {
    const rows = books.all<CheckoutRow>(
      `select ${columns} from checkouts order by number limit 100000`,
    );
    return rows.map(toCheckout);
  }

  return { find, get, findNewest, whyTaken, create, cancel, list };
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
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
