import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import { type SealedColumn, sealedColumns } from '../domain/sealed-columns.ts';
import { Secret } from '../domain/secret.ts';
import * as dataKeys from '../repositories/data-keys.ts';
import * as inventory from '../repositories/key-inventory.ts';
import type { StoredValue } from '../repositories/sealed-values.ts';
import * as sealedValues from '../repositories/sealed-values.ts';
import { readSealed } from './sealed-text.ts';
import { UnreadableSecret, type Vault } from './vault.ts';

type Dependencies = { readonly db: Db; readonly vault: Vault; readonly log: Logger };
type PlainValue = Omit<StoredValue, 'keyVersion'>;
type List = typeof sealedValues.listPlain;

export type Sealing = ReturnType<typeof createSealing>;

const pageSize = 100;
/** So much of a secret that is long a person may see again. */
const endLength = 4;
const minLengthToShowEnd = 20;
/** Whoever read a text before its key was retired has long used it by then. */
const destroyAfterHours = 24;

/** Seals what stands in the database in plain, and moves what is sealed to the keys of today. */
export function createSealing({ db, vault, log }: Dependencies) {
  /** Seals what is plain, if it still stands there; false when somebody has changed it meanwhile. */
  async function sealValue(column: SealedColumn, value: PlainValue): Promise<boolean> {
    return store(column, value, new Secret(value.text));
  }

  /** Seals values that were put in by plain SQL, at most so many of a column; how many. */
  async function sealPlain({ maxPerColumn = 1_000 } = {}): Promise<number> {
    let sealed = 0;
    for (const column of sealedColumns) {
      let met = 0;
      for await (const value of valuesIn(column, sealedValues.listPlain)) {
        if ((await settle(value, () => sealValue(column, value))) === true) sealed += 1;
        met += 1;
        if (met === maxPerColumn) break;
      }
    }
    if (sealed > 0) log.info({ sealed }, 'plain secrets were sealed');
    return sealed;
  }

  /** Seals anew what a retired key has sealed. Whoever is killed here leaves the rest to the next. */
  async function reseal(): Promise<{ resealed: number; unreadable: number }> {
    const counts = { resealed: 0, unreadable: 0 };
    for (const column of sealedColumns) {
      for await (const value of valuesIn(column, sealedValues.listOfRetiredKeys)) {
        const outcome = await resealValue(column, value);
        if (outcome !== 'current') counts[outcome] += 1;
      }
    }
    return counts;
  }

  async function resealValue(column: SealedColumn, value: StoredValue) {
    const { tenantId, rowId, text } = value;
    if (readSealed(text)?.keyVersion === value.keyVersion) return 'current';
    return settle(value, async () => {
      const secret = await vault.unseal(tenantId, placeOf(column, rowId), text);
      return (await store(column, value, secret)) ? 'resealed' : 'current';
    });
  }

  /** One tenant's damage is told, and does not keep the others waiting. */
  async function settle<T>({ tenantId }: StoredValue, work: () => Promise<T>) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnreadableSecret)) throw error;
      log.error({ err: error, tenantId }, 'a secret could not be sealed, and stays as it is');
      return 'unreadable';
    }
  }

  async function store(column: SealedColumn, value: PlainValue, secret: Secret): Promise<boolean> {
    const { tenantId, rowId, text: from } = value;
    const place = placeOf(column, rowId);
    const marks = marksOf(column, secret);
    return vault.sealInto(tenantId, { place, secret }, (tx, to) =>
      sealedValues.replace(tx, column, { rowId, from, to, marks }),
    );
  }

  /** What stands beside a sealed secret, where its column has a place for it. */
  function marksOf(column: SealedColumn, secret: Secret) {
    const text = secret.reveal();
    const end = text.length < minLengthToShowEnd ? undefined : text.slice(-endLength);
    return { fingerprint: vault.fingerprint(column, secret), end };
  }

  /** Destroys keys that were retired a day ago and that sealed nothing which is still there. */
  async function destroyRetired(minAgeHours = destroyAfterHours): Promise<number> {
    const query = { minAgeHours, limit: pageSize };
    const retired = await db.withPlatform((tx) => inventory.listRetired(tx, query));
    let destroyed = 0;
    for (const { tenantId, version } of retired) {
      if (await isInUse(tenantId, version)) continue;
      await db.withPlatform((tx) => dataKeys.destroy(tx, tenantId, version));
      destroyed += 1;
    }
    return destroyed;
  }

  async function isInUse(tenantId: StoredValue['tenantId'], version: number): Promise<boolean> {
    for (const column of sealedColumns) {
      const ofOwner: List = (tx, each, page) =>
        sealedValues.listOfOwner(tx, each, { ...page, tenantId });
      for await (const { text } of valuesIn(column, ofOwner)) {
        if (readSealed(text)?.keyVersion === version) return true;
      }
    }
    return false;
  }

  /** What a worker does again and again: after a crash, and for values that come by plain SQL. */
  async function maintain(): Promise<void> {
    await sealPlain();
    await reseal();
    await destroyRetired();
  }

  /** The values of a column in pages; each page in a transaction of its own. */
  async function* valuesIn(column: SealedColumn, list: List): AsyncGenerator<StoredValue> {
    let after: string | undefined;
    for (;;) {
      const page = { after, limit: pageSize };
      const values = await db.withPlatform((tx) => list(tx, column, page));
      yield* values;
      if (values.length < pageSize) return;
      after = values.at(-1)?.rowId;
    }
  }

  return { sealValue, sealPlain, reseal, marksOf, destroyRetired, maintain, valuesIn };
}

export function placeOf({ table, column }: SealedColumn, rowId: string) {
  return { table, column, rowId };
}
