import { createHash } from 'node:crypto';
import type pg from 'pg';

/** The one merchant of these tests. */
export const shop = {
  slug: 'shop',
  serverKey: 'SB-Mid-server-of-the-fault-suite',
  secretKey: `sk_test_${'f'.repeat(32)}`,
} as const;

/**
 * Adds the shop as an operator does: two plain inserts. Its key counts as used today, or the note
 * of its use, which nobody waits for, would be a seam that is now here and now there.
 */
export async function addShop(admin: pg.Pool): Promise<void> {
  const { slug, serverKey, secretKey } = shop;
  await admin.query(
    `with shop as (
       insert into tenants (slug, name, midtrans_server_key) values ($1, 'A shop', $2) returning id)
     insert into api_keys (tenant_id, prefix, key_hash, last_used_at)
     select id, 'sk_test_', $3, now() + interval '1 day' from shop`,
    [slug, serverKey, createHash('sha256').update(secretKey).digest()],
  );
}

export type Reply = { readonly status: number; readonly text: string; readonly mayPass: boolean };

/** A request that a client has decided on: sent again, it is the very same. */
export type Request = {
  readonly path: string;
  readonly body: object;
  /** Given for what a merchant does; a storefront has none. */
  readonly key?: string;
};

/** Sends a request once; undefined when the connection broke before an answer came. */
export async function send(url: string, { path, body, key }: Request): Promise<Reply | undefined> {
  try {
    const response = await fetch(`${url}${path}?tenant=${shop.slug}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(key && { Authorization: `Bearer ${shop.secretKey}`, 'Idempotency-Key': key }),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const { retryable = response.status >= 500 } = JSON.parse(text);
    return { status: response.status, text, mayPass: retryable };
  } catch {
    return undefined;
  }
}
