import { createCipheriv, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { contextOf, decrypt, encrypt } from './aead.ts';

const key = randomBytes(32);
const plain = Buffer.from('SB-Mid-server-hunter2');
const context = contextOf(['v1', 'tenants', 'midtrans_server_key']);

test('there is an IV of 12 bytes, a tag of 16, and as much as was given', () => {
  const bytes = encrypt(key, plain, context);

  expect(bytes).toHaveLength(12 + 16 + plain.length);
  expect(decrypt(key, bytes, context)).toEqual(plain);
});

test('what was encrypted with the same key and a shorter tag is refused', () => {
  for (const authTagLength of [4, 8, 12, 13, 14, 15]) {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength });
    cipher.setAAD(context);
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    const bytes = Buffer.concat([iv, cipher.getAuthTag(), body]);

    expect(() => decrypt(key, bytes, context), `${authTagLength} bytes`).toThrow();
  }
});

test('with any byte changed, or cut at any length, it is refused', () => {
  const bytes = encrypt(key, plain, context);

  for (let at = 0; at < bytes.length; at += 1) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect(() => decrypt(key, flipped, context), `byte ${at}`).toThrow();
    expect(() => decrypt(key, bytes.subarray(0, at), context), `${at} bytes`).toThrow();
  }
});

test('it opens in its own context, and no two lists of parts are one', () => {
  const bytes = encrypt(key, plain, contextOf(['v1', 'ab', 'c']));

  for (const parts of [
    ['v1', 'a', 'bc'],
    ['v1', 'abc'],
    ['v1', 'ab', 'c', ''],
    ['v1', 'ab', 'd'],
  ]) {
    expect(() => decrypt(key, bytes, contextOf(parts))).toThrow();
  }
});
