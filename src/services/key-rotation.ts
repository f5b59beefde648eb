import type { Db } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import type { TenantId } from '../domain/ids.ts';
import { platformOwner, sealedColumns } from '../domain/sealed-columns.ts';
import type { MasterKeys } from '../providers/keys/master-keys.ts';
import { MasterKeyError } from '../providers/keys/master-keys.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { DataKey } from '../repositories/data-keys.ts';
import * as dataKeys from '../repositories/data-keys.ts';
import type { KeyCount, KeyCursor } from '../repositories/key-inventory.ts';
import * as inventory from '../repositories/key-inventory.ts';
import * as sealedValues from '../repositories/sealed-values.ts';
import { readSealed } from './sealed-text.ts';
import type { Sealing } from './sealing.ts';
import type { Vault } from './vault.ts';

type Dependencies = {
  readonly db: Db;
  readonly vault: Vault;
  readonly sealing: Sealing;
  readonly masterKeys: MasterKeys;
};
export type KeyRotation = ReturnType<typeof createKeyRotation>;

/** How many values of a column stand under which key. */
export type ColumnCount = {
  readonly name: string;
  plain: number;
  current: number;
  older: number;
};
export type KeyStatus = {
  readonly masterKey: string;
  readonly keys: readonly KeyCount[];
  readonly columns: readonly ColumnCount[];
};

const pageSize = 100;

/**
 * Replaces keys under traffic. Every step is a guarded update of its own: killed anywhere, the next
 * run goes on where the last one was, and two at once do no harm.
 */
export function createKeyRotation({ db, vault, sealing, masterKeys }: Dependencies) {
  /** Puts every data key under the newest master key; what they sealed stays as it is. */
  async function rotateMaster(origin: Origin) {
    const counts = { kekId: '', rewrapped: 0, failed: 0 };
    let pass: Awaited<ReturnType<typeof rewrapAll>>;
    // Once more until nothing is left: a process may have made a key under an older one meanwhile,
    // and the file may have a newer one.
    do {
      counts.kekId = await masterKeys.currentId();
      pass = await rewrapAll(counts.kekId);
      counts.rewrapped += pass.rewrapped;
      counts.failed = pass.failed;
    } while (pass.rewrapped > 0);
    await db.withPlatform((tx) =>
      auditEntries.append(tx, platformOwner, origin, {
        action: 'master-key.rotated',
        subject: { kind: 'master-key', id: counts.kekId },
        after: { rewrapped: counts.rewrapped, failed: counts.failed },
      }),
    );
    return counts;
  }

  async function rewrapAll(kekId: string) {
    const counts = { rewrapped: 0, failed: 0 };
    let after: KeyCursor | undefined;
    for (;;) {
      const query = { kekId, after, limit: pageSize };
      const keys = await db.withPlatform((tx) => inventory.listUnderOthers(tx, query));
      for (const key of keys) {
        const outcome = await rewrap(key);
        if (outcome !== 'overtaken') counts[outcome] += 1;
      }
      if (keys.length < pageSize) return counts;
      after = keys.at(-1);
    }
  }

  async function rewrap(key: DataKey) {
    try {
      const wrapped = await masterKeys.wrap(await masterKeys.unwrap(key, key), key);
      const isMoved = await db.withPlatform((tx) => dataKeys.rewrap(tx, key, wrapped));
      return isMoved ? 'rewrapped' : 'overtaken';
    } catch (error) {
      // One damaged row is its tenant's trouble; the others go on.
      if (error instanceof MasterKeyError) return 'failed';
      throw error;
    }
  }

  /** Gives every owner a new data key, and seals everything anew with it. */
  async function rotateData(origin: Origin) {
    const rotationId = await db.withPlatform((tx) => inventory.beginRotation(tx));
    const counts = { renewed: await renewAll(rotationId), resealed: 0, unreadable: 0 };
    await sealing.sealPlain({ maxPerColumn: Number.POSITIVE_INFINITY });
    let pass: Awaited<ReturnType<Sealing['reseal']>>;
    do {
      pass = await sealing.reseal();
      counts.resealed += pass.resealed;
      counts.unreadable = pass.unreadable;
    } while (pass.resealed > 0);
    await db.withPlatform(async (tx) => {
      await inventory.finishRotation(tx, rotationId);
      await auditEntries.append(tx, platformOwner, origin, {
        action: 'data-keys.rotated',
        subject: { kind: 'key-rotation', id: rotationId },
        after: { ...counts },
      });
    });
    return { ...counts, destroyed: await sealing.destroyRetired() };
  }

  async function renewAll(rotationId: string): Promise<number> {
    let renewed = 0;
    let after: TenantId | undefined;
    for (;;) {
      const query = { rotationId, after, limit: pageSize };
      const owners = await db.withPlatform((tx) => inventory.listUnrotated(tx, query));
      for (const { tenantId, version } of owners) {
        if (await vault.succeed(tenantId, version)) renewed += 1;
      }
      if (owners.length < pageSize) return renewed;
      after = owners.at(-1)?.tenantId;
    }
  }

  /** Where rotation stands: nothing is plain and nothing older when it is done. */
  async function status(): Promise<KeyStatus> {
    const columns: ColumnCount[] = [];
    for (const column of sealedColumns) {
      const count = { name: `${column.table}.${column.column}`, plain: 0, current: 0, older: 0 };
      for await (const _ of sealing.valuesIn(column, sealedValues.listPlain)) count.plain += 1;
      for await (const value of sealing.valuesIn(column, sealedValues.listSealed)) {
        const version = readSealed(value.text)?.keyVersion;
        count[version !== undefined && version === value.keyVersion ? 'current' : 'older'] += 1;
      }
      columns.push(count);
    }
    const keys = await db.withPlatform((tx) => inventory.countKeys(tx));
    return { masterKey: await masterKeys.currentId(), keys, columns };
  }

  return { rotateMaster, rotateData, status };
}
