import { createHash } from 'node:crypto';
import type { Db } from '../db/database.ts';
import { keyScopes } from '../domain/access.ts';
import type { Caller } from '../domain/caller.ts';
import { Problem } from '../domain/problems.ts';
import type { Secret } from '../domain/secret.ts';
import * as tenants from '../repositories/tenants.ts';

export type ApiKeys = ReturnType<typeof createApiKeys>;

/** The keys by which programs prove whose they are. */
export function createApiKeys({ db }: { db: Db }) {
  /**
   * Read from the database each time, so that a revoked key is nobody's at once.
   *
   * @throws Problem `key-invalid`
   */
  async function authenticate(key: Secret): Promise<Caller> {
    const hash = createHash('sha256').update(key.reveal()).digest();
    const found = await db.withPlatform((tx) => tenants.findKeyByHash(tx, hash));
    if (!found) throw new Problem('key-invalid', 'No tenant has this key.');
    const { id: keyId, tenantId, prefix } = found;
    return { kind: 'key', keyId, tenantId, type: 'secret', prefix, scopes: keyScopes };
  }

  return { authenticate };
}
