import { createHash } from 'node:crypto';

export type Body = Record<string, unknown>;

/** Signs a body over the strings that it holds itself. */
export function signed(serverKey: string, body: Body): Body {
  return { ...body, signature_key: signatureOf(serverKey, body) };
}

export function signatureOf(serverKey: string, body: Body, algorithm = 'sha512'): string {
  const text = `${body.order_id}${body.status_code}${body.gross_amount}${serverKey}`;
  return createHash(algorithm).update(text).digest('hex');
}
