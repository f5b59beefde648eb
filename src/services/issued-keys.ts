import { randomBytes } from 'node:crypto';
import type {
  ApiKeyListReply,
  ApiKeyReply,
  ApiKeysQuery,
  ApiKeyView,
  CreateApiKeyRequest,
  NewApiKeyReply,
} from '../contracts/api-keys.ts';
import { pageOf } from '../contracts/pages.ts';
import type { Db, PlatformTx } from '../db/database.ts';
import { type ApiKeyForm, maxActiveKeys, prefixOf, writeApiKey } from '../domain/api-keys.ts';
import type { Origin } from '../domain/caller.ts';
import type { ApiKeyId, TenantId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { Secret } from '../domain/secret.ts';
import type { ApiKey } from '../repositories/api-keys.ts';
import * as apiKeys from '../repositories/api-keys.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import { hashKey } from './api-keys.ts';

type Creation = {
  /** Of the new key; asked for again under the same id, there is one key and no second secret. */
  readonly id: ApiKeyId;
  readonly request: CreateApiKeyRequest;
  readonly origin: Origin;
};

type Rotation = {
  /** Of the new key, as in a creation. */
  readonly id: ApiKeyId;
  readonly keyId: ApiKeyId;
  readonly overlapMinutes: number;
  readonly origin: Origin;
};

type Revocation = { readonly keyId: ApiKeyId; readonly origin: Origin };

export type IssuedKeys = ReturnType<typeof createIssuedKeys>;

/** A tenant's keys as its people handle them. */
export function createIssuedKeys({ db }: { readonly db: Db }) {
  async function list(tenantId: TenantId, query: ApiKeysQuery): Promise<ApiKeyListReply> {
    const { cursor: after, limit } = query;
    const found = await db.withPlatformOnce((tx) =>
      apiKeys.list(tx, tenantId, { after, limit: limit + 1 }),
    );
    const { items, next } = pageOf(found, limit, ({ position }) => position);
    return { success: true, keys: items.map(toView), next };
  }

  /** @throws Problem `too-many-keys` */
  async function create(tenantId: TenantId, creation: Creation): Promise<NewApiKeyReply> {
    const { id, request, origin } = creation;
    const { kind, name, scopes: limitedTo, expiresAt } = request;
    return db.withPlatform(async (tx) => {
      const environment = await apiKeys.lockAll(tx, tenantId);
      const made = await apiKeys.find(tx, tenantId, id);
      if (made) return { success: true, apiKey: toView(made), key: null };
      await requireRoom(tx, tenantId);
      const secret = makeSecret({ kind, environment });
      await insert(tx, tenantId, { id, kind, name, limitedTo, expiresAt, origin, secret });
      const key = await apiKeys.get(tx, tenantId, id);
      await auditEntries.append(tx, tenantId, origin, {
        action: 'key.created',
        subject: subjectOf(id),
        after: toAudited(key),
      });
      return { success: true, apiKey: toView(key), key: secret.reveal() };
    });
  }

  /**
   * Makes a key that may do what an old one may, for as long as that one was made for. The old one
   * ends after the overlap.
   *
   * @throws Problem `key-not-found`, `key-not-active`, `key-already-rotated`, `too-many-keys`
   */
  async function rotate(tenantId: TenantId, rotation: Rotation): Promise<NewApiKeyReply> {
    const { id, keyId, overlapMinutes, origin } = rotation;
    return db.withPlatform(async (tx) => {
      const environment = await apiKeys.lockAll(tx, tenantId);
      const made = await apiKeys.find(tx, tenantId, id);
      if (made) return { success: true, apiKey: toView(made), key: null };
      const old = requireRotatable(await apiKeys.find(tx, tenantId, keyId), keyId);
      if (overlapMinutes > 0) await requireRoom(tx, tenantId);
      const { kind, name, limitedTo } = old;
      const secret = makeSecret({ kind, environment });
      const expiresAt = renewedExpiry(old);
      const content = { id, kind, name, limitedTo, expiresAt, origin, secret, rotatedFrom: keyId };
      await insert(tx, tenantId, content);
      await apiKeys.expireIn(tx, tenantId, { id: keyId, minutes: overlapMinutes });
      const key = await apiKeys.get(tx, tenantId, id);
      await auditEntries.append(tx, tenantId, origin, {
        action: 'key.rotated',
        subject: subjectOf(keyId),
        before: toAudited(old),
        after: { ...toAudited(key), replacedBy: id, overlapMinutes },
      });
      return { success: true, apiKey: toView(key), key: secret.reveal() };
    });
  }

  /**
   * Ends a key at once. One that is revoked stays as it is.
   *
   * @throws Problem `key-not-found`
   */
  async function revoke(tenantId: TenantId, { keyId, origin }: Revocation): Promise<ApiKeyReply> {
    return db.withPlatform(async (tx) => {
      const isNew = await apiKeys.revoke(tx, tenantId, keyId);
      const key = await apiKeys.find(tx, tenantId, keyId);
      if (!key) throw notFound(keyId);
      if (isNew) {
        await auditEntries.append(tx, tenantId, origin, {
          action: 'key.revoked',
          subject: subjectOf(keyId),
          before: toAudited(key),
        });
      }
      return { success: true, apiKey: toView(key) };
    });
  }

  return { list, create, rotate, revoke };
}

/** Under the lock of the tenant's keys; @throws Problem `too-many-keys` */
async function requireRoom(tx: PlatformTx, tenantId: TenantId): Promise<void> {
  if ((await apiKeys.countActive(tx, tenantId)) < maxActiveKeys) return;
  throw new Problem(
    'too-many-keys',
    `A tenant has at most ${maxActiveKeys} active keys. Revoke one that is not used any more, or rotate one without overlap.`,
  );
}

function requireRotatable(old: ApiKey | undefined, id: ApiKeyId): ApiKey {
  if (!old) throw notFound(id);
  if (old.replacedBy) {
    throw new Problem(
      'key-already-rotated',
      `Key ${id} was rotated: ${old.replacedBy} took its place. Rotate that one.`,
    );
  }
  if (old.status === 'active') return old;
  throw new Problem('key-not-active', `Key ${id} is ${old.status}. Create a new one.`);
}

/** A key for ninety days is followed by one for ninety days. */
function renewedExpiry({ createdAt, expiresAt }: ApiKey): Date | undefined {
  return expiresAt && new Date(Date.now() + expiresAt.getTime() - createdAt.getTime());
}

function makeSecret(form: ApiKeyForm): Secret {
  return new Secret(writeApiKey(form, randomBytes(32).toString('hex')));
}

type Content = Pick<ApiKey, 'id' | 'kind' | 'name' | 'limitedTo' | 'expiresAt'> & {
  readonly origin: Origin;
  readonly secret: Secret;
  readonly rotatedFrom?: ApiKeyId;
};

async function insert(tx: PlatformTx, tenantId: TenantId, content: Content): Promise<void> {
  const { origin, secret, rotatedFrom, ...key } = content;
  await apiKeys.insert(tx, tenantId, {
    ...key,
    prefix: prefixOf(secret.reveal()),
    hash: hashKey(secret),
    createdBy: origin.actor.label,
    rotatedFrom,
  });
}

function subjectOf(id: ApiKeyId) {
  return { kind: 'key', id };
}

function toAudited({ kind, name, prefix, scopes, expiresAt }: ApiKey) {
  return { kind, name, prefix, scopes, expiresAt: expiresAt?.toISOString() ?? null };
}

function notFound(id: ApiKeyId): Problem {
  return new Problem('key-not-found', `There is no key ${id}.`);
}

function toView(key: ApiKey): ApiKeyView {
  return {
    id: key.id,
    kind: key.kind,
    name: key.name,
    prefix: key.prefix,
    scopes: [...key.scopes],
    status: key.status,
    createdAt: key.createdAt.toISOString(),
    createdBy: key.createdBy ?? null,
    lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
    expiresAt: key.expiresAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
    rotatedFrom: key.rotatedFrom ?? null,
    replacedBy: key.replacedBy ?? null,
  };
}
