import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import { effectiveScopes, readApiKeyForm } from '../domain/api-keys.ts';
import type { Caller } from '../domain/caller.ts';
import { Problem } from '../domain/problems.ts';
import type { Secret } from '../domain/secret.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as tenants from '../repositories/tenants.ts';
import { createKeyUses } from './key-uses.ts';
import type { MidtransAccounts } from './midtrans-accounts.ts';

export type KeyHolder = {
  readonly caller: Extract<Caller, { kind: 'key' }>;
  /** Read together with the key. */
  readonly tenant: Tenant;
};

type Dependencies = {
  readonly db: Db;
  readonly accounts: Pick<MidtransAccounts, 'open'>;
  readonly log: Logger;
};

export type ApiKeys = ReturnType<typeof createApiKeys>;

/** The keys by which programs prove whose they are. */
export function createApiKeys({ db, accounts, log }: Dependencies) {
  const uses = createKeyUses({ db, log });

  /**
   * Read from the database each time, so that a revoked key is nobody's at once. Whatever is wrong
   * with a key, the answer is the same: unknown, revoked, expired, of another kind than it says, or
   * of the provider's other environment than its tenant works in.
   *
   * @throws Problem `key-invalid`
   */
  async function authenticate(key: Secret): Promise<KeyHolder> {
    const form = readApiKeyForm(key.reveal());
    const hash = hashKey(key);
    const found =
      form && (await db.withPlatformOnce((tx) => tenants.findByKey(tx, { ...form, hash })));
    if (!found) throw new Problem('key-invalid', 'No tenant has this key.');
    const { keyId, prefix } = found;
    const tenant = await accounts.open(found.tenant);
    if (found.isUseDue) uses.note({ tenantId: tenant.id, keyId });
    const scopes = effectiveScopes(form.kind, found.scopes);
    return {
      caller: { kind: 'key', keyId, tenantId: tenant.id, type: form.kind, prefix, scopes },
      tenant,
    };
  }

  return { authenticate };
}

/** Of 256 random bits: a plain hash tells nothing of it, and finds it. */
export function hashKey(key: Secret): Buffer {
  return createHash('sha256').update(key.reveal()).digest();
}
