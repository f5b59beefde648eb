import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../domain/secret.ts';

type Signed = {
  readonly orderId: string;
  readonly statusCode: string;
  readonly grossAmount: string;
  readonly signature: string;
};

/**
 * Whether a message was signed with this key: SHA-512 over order id, status code and amount exactly
 * as received, then the key, without separators (docs.midtrans.com, "Verifying notification
 * authenticity"). It does not cover the transaction's status.
 */
export function isSignedBy(serverKey: Secret, signed: Signed): boolean {
  const expected = createHash('sha512')
    .update(signed.orderId + signed.statusCode + signed.grossAmount + serverKey.reveal())
    .digest();
  const given = Buffer.from(signed.signature, 'hex');
  // The comparison throws on unequal lengths, and a wrong length is just a wrong signature.
  return given.length === expected.length && timingSafeEqual(given, expected);
}
