import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { MidtransAccountRequest } from '../contracts/midtrans-account.ts';
import type { Db } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import { midtransServerKey } from '../domain/sealed-columns.ts';
import { Secret } from '../domain/secret.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { StoredTenant } from '../repositories/tenants.ts';
import * as tenants from '../repositories/tenants.ts';
import { isSealed } from './sealed-text.ts';
import { placeOf, type Sealing } from './sealing.ts';
import { UnreadableSecret, type Vault } from './vault.ts';

type Dependencies = {
  readonly db: Db;
  readonly vault: Vault;
  readonly sealing: Sealing;
  readonly log: Logger;
};
type StoredAccount = NonNullable<StoredTenant['midtrans']>;

export type MidtransAccounts = ReturnType<typeof createMidtransAccounts>;

/** Merchants' accounts at Midtrans: their keys come out of the database sealed, and go in so. */
export function createMidtransAccounts({ db, vault, sealing, log }: Dependencies) {
  /**
   * A tenant with a key that can be used. One whose key cannot be read has no account: it is refused
   * what needs one, and the others go on.
   */
  async function open(stored: StoredTenant): Promise<Tenant> {
    if (!stored.midtrans) return { ...stored, midtrans: undefined };
    try {
      return await unsealed(stored, stored.midtrans);
    } catch (error) {
      if (!(error instanceof UnreadableSecret)) throw error;
      const { id: tenantId, slug } = stored;
      log.error(
        { err: error, tenantId, slug, reason: error.reason },
        'a Midtrans server key cannot be read: its merchant takes no payments until it is set anew',
      );
      return { ...stored, midtrans: undefined };
    }
  }

  async function unsealed(stored: StoredTenant, account: StoredAccount): Promise<Tenant> {
    try {
      return { ...stored, midtrans: await openAccount(stored, account) };
    } catch (error) {
      // Its key may have been destroyed because the row has been sealed anew since it was read.
      if (!(error instanceof UnreadableSecret) || error.reason !== 'key-gone') throw error;
      const current = await db.withPlatform((tx) => tenants.findById(tx, stored.id));
      if (!current?.midtrans) return { ...stored, midtrans: undefined };
      return { ...current, midtrans: await openAccount(current, current.midtrans) };
    }
  }

  async function openAccount(
    { id }: StoredTenant,
    { hasPlainNeighbours, ...account }: StoredAccount,
  ): Promise<MidtransAccount> {
    const text = account.serverKey.reveal();
    const wasPlain = !isSealed(text);
    const serverKey = wasPlain
      ? account.serverKey
      : await vault.unseal(id, placeOf(midtransServerKey, id), text);
    if (wasPlain) {
      await sealing.sealValue(midtransServerKey, { tenantId: id, rowId: id, text });
    }
    // Beside a plain key a fingerprint says nothing, so who shares it has to be asked once more.
    const isAsked = wasPlain || hasPlainNeighbours;
    const isShared = isAsked ? await isElsewhere(id, account, serverKey) : account.isShared;
    return { ...account, serverKey, isShared };
  }

  async function isElsewhere(id: Tenant['id'], account: MidtransAccount, serverKey: Secret) {
    const fingerprint = vault.fingerprint(midtransServerKey, serverKey);
    const digest = createHash('sha256').update(serverKey.reveal()).digest();
    const key = { id, fingerprint, digest };
    const hasSameKey = await db.withPlatform((tx) => tenants.hasKeyElsewhere(tx, key));
    return hasSameKey || account.isShared;
  }

  /** Puts another account in the place of a tenant's: its key is sealed before it is stored. */
  async function change(tenant: Tenant, request: MidtransAccountRequest, origin: Origin) {
    const { environment, merchantId, clientKey } = request;
    const secret = new Secret(request.serverKey);
    const place = placeOf(midtransServerKey, tenant.id);
    const after = { hasServerKey: true, environment, merchantId };
    await vault.sealInto(tenant.id, { place, secret }, async (tx, sealedKey) => {
      const before = await tenants.lockMidtransAccount(tx, tenant.id);
      await tenants.changeMidtransAccount(tx, tenant.id, {
        ...{ environment, merchantId, clientKey, sealedKey },
        ...sealing.marksOf(midtransServerKey, secret),
      });
      await auditEntries.append(tx, tenant.id, origin, {
        action: 'midtrans-account.changed',
        subject: { kind: 'tenant', id: tenant.id },
        before,
        after,
      });
    });
    return after;
  }

  return { open, change };
}
