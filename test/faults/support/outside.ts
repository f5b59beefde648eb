import type pg from 'pg';
import { shop } from './shop.ts';

type BookedRefund = {
  readonly refund_key: string;
  readonly amount: number;
  readonly state: string;
};
type Booked = {
  readonly token: string;
  readonly status: string;
  readonly captured_amount: number;
  readonly refunded_amount: number;
  readonly net_amount: number;
  readonly refunds: readonly BookedRefund[];
};
type Page = { readonly token: string; readonly state: string };
type Mail = {
  readonly subject: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
};

type Options = { readonly midtransUrl: string; readonly inboxUrl: string; readonly admin: pg.Pool };

/** What shoppers, banks, the provider and time do, and what its books and the inbox say. */
export function createOutside({ midtransUrl, inboxUrl, admin }: Options) {
  async function control(path: string, body: object = {}): Promise<void> {
    const answer = await fetch(`${midtransUrl}/_control/${path}`, {
      method: path === 'settings' ? 'PUT' : 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`The emulator: ${path}: ${await answer.text()}`);
  }

  /**
   * Nothing has happened yet, here or at the provider; its notifications wait to be delivered. The
   * shop itself stays, with the keys that its own are sealed with.
   */
  async function beginAnew(): Promise<void> {
    await control('reset');
    await control('notifications/hold');
    await fetch(`${inboxUrl}/_control/messages`, { method: 'DELETE' });
    await admin.query(`do $$ declare emptied text; begin
      -- Rows may be deleted in any order, and quicker than tables are truncated.
      set local session_replication_role = replica;
      for emptied in
        select table_name from information_schema.columns join information_schema.tables
         using (table_schema, table_name)
         where table_schema = 'public' and column_name = 'tenant_id'
           and table_type = 'BASE TABLE' and table_name not in ('api_keys', 'data_keys')
      loop execute format('delete from %I', emptied); end loop;
    end $$`);
    // Its nights were reconciled, also the one that may begin now: a worker would do it meanwhile.
    await admin.query(
      `insert into reconciliations (tenant_id, trigger, status, from_day, to_day, time_zone,
                                    finished_at)
       select id, 'nightly', 'done', current_date + day, current_date + day, time_zone, now()
         from tenants, generate_series(-2, 1) day`,
    );
  }

  /** Lets go of what the provider has to tell, once, and waits until it is told. */
  async function deliver(): Promise<void> {
    await control('notifications/release');
    await control('clock/advance', { seconds: 1 });
    await control('notifications/hold');
  }

  /** The provider tells everything, and again what it was not heard with. */
  async function deliverUntilHeard(): Promise<void> {
    await control('notifications/release');
    await control('clock/advance', { seconds: 6 * 3_600 });
    await control('notifications/hold');
  }

  async function readBooks(orderId: string) {
    const answer = await fetch(`${midtransUrl}/_control/books?orderId=${orderId}`);
    return (await answer.json()) as { transactions: Booked[]; tokens: Page[] };
  }

  return {
    control,
    beginAnew,
    deliver,
    deliverUntilHeard,
    readBooks,
    onOrder: (orderId: string, action: string, body: object = {}) =>
      control(`orders/${orderId}/${action}`, { serverKey: shop.serverKey, ...body }),
    async mailsTo(email: string): Promise<Mail[]> {
      const answer = await fetch(`${inboxUrl}/_control/messages?to=${encodeURIComponent(email)}`);
      return (await answer.json()) as Mail[];
    },
    /** Whoever held a lease is believed dead now. */
    async lapse(): Promise<void> {
      await admin.query(`do $$ declare leased text; begin
        foreach leased in array
          array['payments', 'refunds', 'order_actions', 'idempotency_keys'] loop
          execute format(
            'update %I set lease_until = now() - interval ''1 s'' where lease_until > now()', leased);
        end loop;
      end $$`);
    },
    /** What the sweep would ask about some day, it asks about now. */
    async bringChecksForward(): Promise<void> {
      await admin.query(
        'update payments set next_check_at = now() where next_check_at is not null',
      );
    },
    /** As if the gaps between looks had passed, and the provider's books did not lag any more. */
    async bringLooksForward(): Promise<void> {
      for (const table of ['refunds', 'order_actions']) {
        await admin.query(
          `update ${table} set next_check_at = now(), unclear_at = unclear_at - interval '1 day'
            where next_check_at is not null`,
        );
      }
    },
    /** Refunds, cancels and captures that have no end yet. */
    async listEndless(): Promise<string[]> {
      const { rows } = await admin.query<{ line: string }>(
        `select 'refund is ' || status as line from refunds where next_check_at is not null
          union all
         select kind || ' is ' || status from order_actions where next_check_at is not null`,
      );
      return rows.map(({ line }) => line);
    },
    /** The time of every open page is up. */
    async runOut(): Promise<void> {
      await admin.query(
        `update payments set expires_at = now() - interval '1 second', next_check_at = now()
          where status in ('creating', 'unknown', 'pending')`,
      );
    },
    async orderStatus(orderId: string): Promise<string | undefined> {
      const { rows } = await admin.query<{ status: string }>(
        'select status from orders where order_id = $1',
        [orderId],
      );
      return rows[0]?.status;
    },
  };
}
