import { createHash, randomBytes, randomInt } from 'node:crypto';
import type pg from 'pg';

/** A merchant of whom every text and every secret can be told from all others. */
export type CanaryShop = ReturnType<typeof markShop> & { readonly id: string };

const word = (start: string) => `${start}${randomBytes(7).toString('hex')}`;

function markShop(letter: string) {
  return {
    slug: `canary-${letter}`,
    /** What is of a person: in no log and no job. */
    personal: {
      name: word('Siti'),
      email: `${word('mail')}@shopper.example`,
      phone: `+62812${randomInt(10_000_000, 99_999_999)}`,
      refundReason: word('refund'),
      cancelReason: word('cancel'),
      note: word('note'),
    },
    /** What is of the merchant. */
    own: {
      order: word('ORDER-'),
      tenantName: word('Toko'),
      contactName: word('Ayu'),
      contactEmail: `${word('contact')}@shop.example`,
      statusReason: word('because'),
      clientKey: word('SB-Mid-client-'),
      merchantId: word('G'),
      sender: `${word('orders')}@shop.example`,
      replyTo: `${word('help')}@shop.example`,
      returnUrl: `https://shop.example/${word('back')}`,
      idempotencyKey: word('again'),
    },
    secrets: {
      serverKey: word('SB-Mid-server-'),
      databasePassword: word('dedicated'),
      apiKey: word('sk_test_canary0000'),
    },
  };
}

/** Stores the merchant, with something in each column that takes a text. */
export async function addCanaryShop(admin: pg.Pool, letter: string): Promise<CanaryShop> {
  const shop = markShop(letter);
  const { own, secrets, slug } = shop;
  const { rows } = await admin.query<{ id: string }>(
    `insert into tenants (slug, name, contact_name, contact_email, status_reason,
       midtrans_client_key, midtrans_merchant_id, midtrans_server_key, database_url, email_from,
       email_reply_to, return_url, locale)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'en') returning id`,
    [
      slug,
      own.tenantName,
      own.contactName,
      own.contactEmail,
      own.statusReason,
      own.clientKey,
      own.merchantId,
      secrets.serverKey,
      `postgresql://kassa:${secrets.databasePassword}@127.0.0.1:1/none`,
      `${own.tenantName} <${own.sender}>`,
      own.replyTo,
      own.returnUrl,
    ],
  );
  const id = String(rows[0]?.id);
  const hash = createHash('sha256').update(secrets.apiKey).digest();
  await admin.query(
    `insert into api_keys (tenant_id, prefix, key_hash) values ($1, 'sk_test_cana', $2)`,
    [id, hash],
  );
  return { ...shop, id };
}

/** Which of the words occur in a text; mails break lines and escape characters, words do neither. */
export function wordsIn(text: string, words: Iterable<string>): string[] {
  return [...words].filter((each) => text.includes(each));
}

export function marksOf({ personal, own, secrets }: CanaryShop): string[] {
  return [personal, own, secrets].flatMap((group) => Object.values(group));
}
