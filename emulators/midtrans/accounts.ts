import { createHash } from 'node:crypto';
import type { Books } from './books.ts';
import type { Clock } from './clock.ts';
import { Refusal } from './refusal.ts';
import type { SettingsStore } from './settings.ts';

/** A merchant's account: what its dashboard holds, found by its server key. */
export type Account = {
  readonly merchantId: string;
  readonly serverKey: string;
  readonly name?: string | undefined;
  readonly notificationUrl?: string | undefined;
  readonly finishUrl?: string | undefined;
  readonly unfinishUrl?: string | undefined;
  readonly errorUrl?: string | undefined;
  /** What every payment costs the shopper on top, in rupiah. */
  readonly customerFee?: number | undefined;
};
export type AccountDraft = Omit<Account, 'merchantId'> & { merchantId?: string | undefined };

type AccountRow = {
  merchant_id: string;
  server_key: string;
  name: string | null;
  notification_url: string | null;
  finish_url: string | null;
  unfinish_url: string | null;
  error_url: string | null;
  customer_fee: number | null;
};
const columns = `merchant_id, server_key, name, notification_url, finish_url, unfinish_url,
  error_url, customer_fee`;

export function createAccounts(books: Books, clock: Clock, settings: SettingsStore) {
  function find(merchantId: string): Account | undefined {
    const row = books.get<AccountRow>(
      `select ${columns} from accounts where merchant_id = ?`,
      merchantId,
    );
    return row && toAccount(row);
  }

  function get(merchantId: string): Account {
    const account = find(merchantId);
    if (!account) throw new Error(`The books name an account ${merchantId} that they do not hold.`);
    return account;
  }

  /** The account that a caller's key opens. A key that looks like the sandbox's makes its own. */
  function authenticate(serverKey: string): Account | undefined {
    const row = books.get<AccountRow & { revoked_at: number | null }>(
      `select ${columns}, revoked_at from accounts where server_key = ?`,
      serverKey,
    );
    if (row) return row.revoked_at === null ? toAccount(row) : undefined;
    if (settings.all().strictAccounts || !looksLikeSandboxKey(serverKey)) return undefined;
    return register({ serverKey });
  }

  /** Adds an account, or replaces what the dashboard of a known key says, and revives the key. */
  function register(draft: AccountDraft): Account {
    return books.transaction(() => {
      const known = books.get<AccountRow>(
        `select ${columns} from accounts where server_key = ?`,
        draft.serverKey,
      );
      const merchantId = known?.merchant_id ?? draft.merchantId ?? freeMerchantId(draft.serverKey);
      if (draft.merchantId !== undefined && draft.merchantId !== merchantId) {
        throw new Refusal('account-taken', `This key belongs to ${merchantId} already.`);
      }
      if (!known && find(merchantId)) {
        throw new Refusal('account-taken', `${merchantId} belongs to another key already.`);
      }
      books.run(
        `insert into accounts (${columns}, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (merchant_id) do update set
           name = excluded.name, notification_url = excluded.notification_url,
           finish_url = excluded.finish_url, unfinish_url = excluded.unfinish_url,
           error_url = excluded.error_url, customer_fee = excluded.customer_fee,
           revoked_at = null`,
        ...[merchantId, draft.serverKey, draft.name ?? null, draft.notificationUrl ?? null],
        ...[draft.finishUrl ?? null, draft.unfinishUrl ?? null, draft.errorUrl ?? null],
        ...[draft.customerFee ?? null, clock.now()],
      );
      return get(merchantId);
    });
  }

  function freeMerchantId(serverKey: string): string {
    let salt = 0;
    let merchantId = merchantIdOf(serverKey);
    while (find(merchantId)) {
      salt += 1;
      merchantId = merchantIdOf(`${serverKey}#${salt}`);
    }
    return merchantId;
  }

  function revoke(merchantId: string): void {
    const changed = books.run(
      'update accounts set revoked_at = ? where merchant_id = ? and revoked_at is null',
      clock.now(),
      merchantId,
    );
    if (changed === 0) throw new Refusal('account-not-found', `No live account ${merchantId}.`);
  }

  /** Keys are shortened: a list is for looking at, and some people type in real sandbox keys. */
  function list() {
    const rows = books.all<AccountRow & { revoked_at: number | null }>(
      `select ${columns}, revoked_at from accounts order by created_at, merchant_id limit 1000`,
    );
    return rows.map((row) => {
      const { serverKey, ...account } = toAccount(row);
      return { ...account, serverKeyEnd: serverKey.slice(-4), isRevoked: row.revoked_at !== null };
    });
  }

  return { find, get, authenticate, register, revoke, list };
}
export type Accounts = ReturnType<typeof createAccounts>;

function looksLikeSandboxKey(serverKey: string): boolean {
  return serverKey.startsWith('SB-Mid-server-') && serverKey.length >= 20;
}

function merchantIdOf(text: string): string {
  const digest = createHash('sha256').update(text).digest().readUIntBE(0, 6);
  return `G${String(digest % 1_000_000_000).padStart(9, '0')}`;
}

function toAccount(row: AccountRow): Account {
  return {
    merchantId: row.merchant_id,
    serverKey: row.server_key,
    name: row.name ?? undefined,
    notificationUrl: row.notification_url ?? undefined,
    finishUrl: row.finish_url ?? undefined,
    unfinishUrl: row.unfinish_url ?? undefined,
    errorUrl: row.error_url ?? undefined,
    customerFee: row.customer_fee ?? undefined,
  };
}
