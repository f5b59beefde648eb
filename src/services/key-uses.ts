import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { ApiKeyId, TenantId } from '../domain/ids.ts';
import * as apiKeys from '../repositories/api-keys.ts';

type Use = { readonly tenantId: TenantId; readonly keyId: ApiKeyId };

/** More than ever wait; a key that finds no place is noted at its next request. */
const maxWaiting = 10_000;

/**
 * Writes down that keys are used: beside the requests, one key at a time, so that it neither fails
 * nor slows them, nor takes more than one connection.
 */
export function createKeyUses({ db, log }: { readonly db: Db; readonly log: Logger }) {
  const waiting = new Map<ApiKeyId, TenantId>();
  let isWriting = false;

  function note({ tenantId, keyId }: Use): void {
    if (waiting.size >= maxWaiting) return;
    waiting.set(keyId, tenantId);
    if (!isWriting) void writeAll();
  }

  async function writeAll(): Promise<void> {
    isWriting = true;
    // What is added meanwhile is met as well.
    for (const [keyId, tenantId] of waiting) {
      await db
        .withPlatformOnce((tx) => apiKeys.noteUse(tx, tenantId, keyId))
        .catch((error) => log.warn({ err: error, tenantId, keyId }, 'a use of a key is not noted'));
      waiting.delete(keyId);
    }
    isWriting = false;
  }

  return { note };
}
