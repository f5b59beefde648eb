import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const ivLength = 12;
// Said on both sides: without it Node takes a tag that was cut to four bytes.
const authTagLength = 16;

/** IV, tag and ciphertext; `context` is not in it, and has to be the same when it is opened. */
export function encrypt(key: Buffer, plain: Buffer, context: Buffer): Buffer {
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength });
  cipher.setAAD(context);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

/** @throws Error, which tells nothing, when a single bit of key, bytes or context is another */
export function decrypt(key: Buffer, bytes: Buffer, context: Buffer): Buffer {
  const bodyAt = ivLength + authTagLength;
  if (bytes.length < bodyAt) throw new Error('The ciphertext is too short.');
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivLength), { authTagLength });
  decipher.setAAD(context);
  decipher.setAuthTag(bytes.subarray(ivLength, bodyAt));
  return Buffer.concat([decipher.update(bytes.subarray(bodyAt)), decipher.final()]);
}

/** Each part with its length in front, so that no two lists of parts make the same bytes. */
export function contextOf(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
