import { sealedPrefix } from '../domain/sealed-columns.ts';

/** What a sealed text is made of: it says which key opens it, and nothing of what is in it. */
export type SealedText = {
  /** The master key of the time when it was sealed; its data key may be under another one by now. */
  readonly kekId: string;
  readonly keyVersion: number;
  /** IV, tag and ciphertext. */
  readonly body: Buffer;
};

const format = 1;
/** What an integer column holds. */
const maxKeyVersion = 2 ** 31 - 1;
/** Short secrets all look the same: no length tells one kind from another. */
const blockLength = 64;

export function isSealed(text: string): boolean {
  return text.startsWith(sealedPrefix);
}

export function writeSealed({ kekId, keyVersion, body }: SealedText): string {
  const id = Buffer.from(kekId, 'utf8');
  const version = Buffer.alloc(4);
  version.writeUInt32BE(keyVersion);
  const bytes = Buffer.concat([Buffer.from([format, id.length]), id, version, body]);
  return sealedPrefix + bytes.toString('base64url');
}

/** Undefined for what is no sealed text of this format, to the letter. */
export function readSealed(text: string): SealedText | undefined {
  if (!isSealed(text)) return undefined;
  const encoded = text.slice(sealedPrefix.length);
  const bytes = Buffer.from(encoded, 'base64url');
  // Node skips what is not base64: only one text may stand for the same bytes.
  if (bytes.toString('base64url') !== encoded) return undefined;
  const versionAt = 2 + (bytes[1] ?? 0);
  if (bytes[0] !== format || bytes.length < versionAt + 4) return undefined;
  const keyVersion = bytes.readUInt32BE(versionAt);
  if (keyVersion > maxKeyVersion) return undefined;
  return {
    kekId: bytes.toString('utf8', 2, versionAt),
    keyVersion,
    body: bytes.subarray(versionAt + 4),
  };
}

/** The length, the secret, and zeros up to a whole number of blocks. */
export function pad(secret: string): Buffer {
  const bytes = Buffer.from(secret, 'utf8');
  const padded = Buffer.alloc(Math.ceil((bytes.length + 4) / blockLength) * blockLength);
  padded.writeUInt32BE(bytes.length);
  bytes.copy(padded, 4);
  return padded;
}

export function unpad(padded: Buffer): string {
  return padded.toString('utf8', 4, 4 + padded.readUInt32BE());
}
