import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Logger, pino } from 'pino';
import { type AppOptions, buildApp } from '../../src/app.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { ApiKeyId, SessionId, type TenantId, UserId } from '../../src/domain/ids.ts';
import { Problem } from '../../src/domain/problems.ts';
import type { Secret } from '../../src/domain/secret.ts';
import type { KeyHolder } from '../../src/services/api-keys.ts';

const publicUrl = 'http://localhost';

export type User = Extract<Caller, { kind: 'user' }>;
export type Key = Extract<Caller, { kind: 'key' }>;

type Sent = { readonly method?: string; readonly body?: unknown; readonly key?: string };

/**
 * The real app, where a test says who asks. Whom it names is found as the holder of a key is; what
 * that caller may do is up to the app.
 */
export async function startAppForCallers(
  services: AppOptions['services'],
  { log = pino({ level: 'silent' }) }: { readonly log?: Logger } = {},
) {
  const callers = new Map<string, Caller>();
  const apiKeys = {
    ...services.apiKeys,
    async authenticate(key: Secret) {
      const caller = callers.get(key.reveal());
      if (!caller) throw new Problem('key-invalid', 'No tenant has this key.');
      const isKey = caller.kind === 'key';
      const tenant = isKey ? await services.directory.find(caller.tenantId) : undefined;
      // A user has no key; the app never asks whether it was one that named the caller.
      return { caller, tenant } as KeyHolder;
    },
  };
  // A role that a test gives is one in whatever tenant is asked for; who has none is a stranger.
  const places = {
    ...services.places,
    async enter({ tenantRole }: User, tenantId: TenantId) {
      const tenant = await services.directory.find(tenantId);
      return tenant && tenantRole && { tenant, role: tenantRole };
    },
  };
  const app = buildApp({
    services: { ...services, apiKeys, places },
    log,
    trustedProxies: [],
    tenantDomains: [],
    platformSubdomains: [],
    hasDemo: false,
    publicUrl,
    isHttps: false,
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function send(caller: Caller, path: string, { method = 'GET', body, key }: Sent = {}) {
    const credential = `sk_test_${randomBytes(24).toString('hex')}`;
    if (caller.kind !== 'anonymous') callers.set(credential, caller);
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(caller.kind !== 'anonymous' && { Authorization: `Bearer ${credential}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(key && { 'Idempotency-Key': key }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    callers.delete(credential);
    return {
      status: response.status,
      headers: response.headers,
      body: (text.startsWith('{') ? JSON.parse(text) : { text }) as Record<string, unknown>,
    };
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  return { send, close };
}

export const anonymous: Caller = { kind: 'anonymous' };

/** A signed-in user who has no rights but those that the test gives. */
export function aUser(given: Partial<User> = {}): User {
  return {
    kind: 'user',
    userId: UserId.parse(randomUUID()),
    email: `user-${randomUUID()}@staff.example`,
    sessionId: SessionId.parse(randomUUID()),
    activeTenantId: undefined,
    isFresh: true,
    hasSecondFactor: false,
    owesSecondFactor: false,
    platformRole: undefined,
    tenantRole: undefined,
    ...given,
  };
}

export function aKey(given: Pick<Key, 'tenantId' | 'scopes'> & Partial<Key>): Key {
  const keyId = ApiKeyId.parse(randomUUID());
  return { kind: 'key', keyId, type: 'secret', prefix: `sk_test_${keyId.slice(0, 4)}`, ...given };
}
