import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Db, PlatformTx } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import { type Place, platformOwner } from '../domain/sealed-columns.ts';
import { Secret } from '../domain/secret.ts';
import { contextOf, decrypt, encrypt } from '../providers/keys/aead.ts';
import { MasterKeyError, type MasterKeys } from '../providers/keys/master-keys.ts';
import type { DataKey } from '../repositories/data-keys.ts';
import * as dataKeys from '../repositories/data-keys.ts';
import * as inventory from '../repositories/key-inventory.ts';
import { pad, readSealed, type SealedText, unpad, writeSealed } from './sealed-text.ts';

/** A sealed text that does not open. The message tells nothing of what is in it. */
export class UnreadableSecret extends Error {
  /** `key-gone`: its data key was destroyed, so the row may hold a newer text by now. */
  readonly reason: 'malformed' | 'key-gone' | 'master-key' | 'altered';

  constructor(reason: UnreadableSecret['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnreadableSecret';
    this.reason = reason;
  }
}

export type Vault = Awaited<ReturnType<typeof openVault>>;
type VaultOptions = {
  readonly db: Db;
  readonly masterKeys: MasterKeys;
  /** NIST SP 800-38D allows 2^32 encryptions with random IVs; far from there a new key takes over. */
  readonly sealsPerKey?: number;
};
type OpenedKey = { readonly key: Buffer; readonly version: number; readonly kekId: string };

const lookupKeyName = 'lookup-key';
const lookupKeyPlace = { table: 'platform_secrets', column: 'value', rowId: lookupKeyName };
const maxTries = 5;

/**
 * Seals secrets for the database, each with its tenant's own data key and for one place only.
 *
 * @throws Error when the master keys are not those of this database
 */
export async function openVault({ db, masterKeys, sealsPerKey = 2 ** 30 }: VaultOptions) {
  /** Data keys that this process has unwrapped; a version never changes, and is never used again. */
  const opened = new LRUCache<string, Buffer>({ max: 20_000, ttl: 3_600_000 });

  await checkMasterKeys(db, masterKeys);
  const lookupKey = await loadLookupKey();

  /** A text for this place, which opens nowhere else. */
  async function seal(tenantId: TenantId, place: Place, secret: Secret): Promise<string> {
    return sealInto(tenantId, { place, secret }, async (_tx, text) => text);
  }

  /**
   * Seals and stores in one transaction, which a rotation of the key waits for: what is stored is
   * found by it.
   *
   * @throws UnreadableSecret when the data key itself does not open; a rotation makes a new one
   */
  async function sealInto<T>(
    tenantId: TenantId,
    { place, secret }: { readonly place: Place; readonly secret: Secret },
    store: (tx: PlatformTx, text: string) => Promise<T>,
  ): Promise<T> {
    // Before the transaction: wrapping and unwrapping may be calls to a key service.
    await prepareKey(tenantId, place);
    return db.withPlatform(async (tx) => {
      const { key, version, kekId } = await takeKey(tx, tenantId, place);
      const context = contextFor(tenantId, place, { kekId, keyVersion: version });
      const body = encrypt(key, pad(secret.reveal()), context);
      return store(tx, writeSealed({ kekId, keyVersion: version, body }));
    });
  }

  /** @throws UnreadableSecret */
  async function unseal(tenantId: TenantId, place: Place, text: string): Promise<Secret> {
    const sealed = readSealed(text);
    if (!sealed) throw unreadable('malformed', place);
    const key = await findKey(tenantId, place, sealed.keyVersion);
    try {
      return new Secret(unpad(decrypt(key, sealed.body, contextFor(tenantId, place, sealed))));
    } catch (error) {
      throw unreadable('altered', place, error);
    }
  }

  /** Two secrets of a kind have the same one if they are the same; without our key it tells nothing. */
  function fingerprint({ table, column }: Omit<Place, 'rowId'>, secret: Secret): Buffer {
    const content = contextOf(['v1', table, column, secret.reveal()]);
    return createHmac('sha256', lookupKey).update(content).digest();
  }

  /** Gives an owner a new data key, unless the version that it was to follow has a successor. */
  async function succeed(tenantId: TenantId, version: number): Promise<boolean> {
    const key = randomBytes(32);
    const next = { tenantId, version: version + 1 };
    const wrapped = await masterKeys.wrap(key, next);
    return db.withPlatform((tx) => dataKeys.succeed(tx, { ...next, ...wrapped }));
  }

  /** Sees to it that there is a key to seal with, and that it is known here. */
  async function prepareKey(tenantId: TenantId, place: Place): Promise<void> {
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const current = await db.withPlatform((tx) => dataKeys.findCurrent(tx, tenantId));
      if (current && current.seals < sealsPerKey) return void (await openKey(current, place));
      await succeed(tenantId, current?.version ?? 0);
    }
    throw new Error('There is no data key to seal with, however often one was made.');
  }

  async function takeKey(tx: PlatformTx, tenantId: TenantId, place: Place): Promise<OpenedKey> {
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const current = await dataKeys.countSeal(tx, tenantId);
      if (!current) continue;
      const { version, kekId } = current;
      return { key: await openKey(current, place), version, kekId };
    }
    throw new Error('No data key was to be had: they are being replaced too fast.');
  }

  async function findKey(tenantId: TenantId, place: Place, version: number): Promise<Buffer> {
    const known = opened.get(nameOf({ tenantId, version }));
    if (known) return known;
    const stored = await db.withPlatform((tx) => dataKeys.find(tx, tenantId, version));
    if (!stored) throw unreadable('key-gone', place);
    return openKey(stored, place);
  }

  async function openKey(stored: DataKey, place: Place): Promise<Buffer> {
    const known = opened.get(nameOf(stored));
    if (known) return known;
    try {
      const key = await masterKeys.unwrap(stored, stored);
      opened.set(nameOf(stored), key);
      return key;
    } catch (error) {
      throw error instanceof MasterKeyError ? unreadable('master-key', place, error) : error;
    }
  }

  async function loadLookupKey(): Promise<Buffer> {
    const find = () => db.withPlatform((tx) => inventory.findSecret(tx, lookupKeyName));
    if ((await find()) === undefined) {
      const secret = new Secret(randomBytes(32).toString('base64'));
      await sealInto(platformOwner, { place: lookupKeyPlace, secret }, (tx, text) =>
        inventory.addSecret(tx, lookupKeyName, text),
      );
    }
    // Two processes that start on an empty database both make one, and both use the one that is kept.
    const secret = await unseal(platformOwner, lookupKeyPlace, (await find()) ?? '');
    return Buffer.from(secret.reveal(), 'base64');
  }

  return { seal, sealInto, unseal, fingerprint, succeed };
}

/**
 * Every master key that wraps data keys has to be here, and be the right one: a process that finds
 * out later would serve some merchants and fail others.
 */
async function checkMasterKeys(db: Db, masterKeys: MasterKeys): Promise<void> {
  // One damaged row is the trouble of one tenant; that none opens is a wrong key.
  const samples = await db.withPlatform((tx) => inventory.sampleByMasterKey(tx, 5));
  const byMasterKey = Map.groupBy(samples, ({ kekId }) => kekId);
  for (const [kekId, keys] of byMasterKey) {
    const tries = await Promise.allSettled(keys.map((key) => masterKeys.unwrap(key, key)));
    const failures = tries.filter((each) => each.status === 'rejected');
    if (failures.length < tries.length) continue;
    const cause: unknown = failures[0]?.reason;
    const isMissing = cause instanceof MasterKeyError && cause.reason === 'missing';
    throw new Error(
      isMissing
        ? `Kassa will not start: keys in this database are wrapped by the master key "${kekId}", which is not given. Add it to MASTER_KEYS or to the MASTER_KEY_FILE; it can go when kassa keys rotate --master has been run with it and the new one.`
        : `Kassa will not start: the master key "${kekId}" of MASTER_KEYS or MASTER_KEY_FILE is not the one that wrapped the keys in this database. Put the right one back under that id; a new key needs a new id.`,
      { cause },
    );
  }
}

function contextFor(
  tenantId: TenantId,
  { table, column, rowId }: Place,
  { kekId, keyVersion }: Omit<SealedText, 'body'>,
): Buffer {
  return contextOf(['v1', tenantId, table, column, rowId, String(keyVersion), kekId]);
}

function nameOf({ tenantId, version }: Pick<DataKey, 'tenantId' | 'version'>): string {
  return `${tenantId} ${version}`;
}

const reasons = {
  malformed: 'is no sealed text of a format that this version knows',
  'key-gone': 'was sealed with a data key that is gone',
  'master-key': 'needs a data key that no master key here opens',
  altered: 'was altered, or belongs to another place',
} as const;

function unreadable(reason: UnreadableSecret['reason'], place: Place, cause?: unknown) {
  const { table, column, rowId } = place;
  const message = `The secret in ${table}.${column} of ${rowId} ${reasons[reason]}.`;
  return new UnreadableSecret(reason, message, { cause });
}
