import { expect } from 'vitest';
import type { ApiKeyView, NewApiKeyReply } from '../../src/contracts/api-keys.ts';
import type { TenantRole } from '../../src/domain/access.ts';
import type { Gateway } from './gateway.ts';
import { signInMember } from './signed-in.ts';

type Headers = Record<string, string>;

/** Merchants, and what their owners do with their keys. */
export function openKeyDesk(gateway: Gateway) {
  const { send, admin } = gateway;

  /** A merchant, and what a member of it does with its keys. */
  async function shop(columns: Record<string, unknown> = {}) {
    const merchant = await gateway.merchant(columns);
    const { email, headers: owner } = await signInMember(gateway, merchant, { role: 'owner' });
    const post = (path: string, body: unknown, headers: Headers = {}) =>
      send(path, {
        method: 'POST',
        headers: { ...owner, 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const asNew = ({ status, body }: { status: number; body: unknown }) => {
      expect(status).toBe(201);
      return body as NewApiKeyReply;
    };
    return {
      ...merchant,
      /** Of the owner. */
      email,
      post,
      /** The headers of a further member. */
      member: async (role: TenantRole, isFresh = true) =>
        (await signInMember(gateway, merchant, { role, isFresh })).headers,
      create: async (body: object = {}) =>
        asNew(await post('/admin/keys', { kind: 'secret', name: 'Shop', ...body })),
      rotate: async (id: string, overlapMinutes: number) =>
        asNew(await post(`/admin/keys/${id}/rotate`, { overlapMinutes })),
      revoke: (id: string) => send(`/admin/keys/${id}`, { method: 'DELETE', headers: owner }),
      list: async (query = '') => {
        const { body } = await send(`/admin/keys${query}`, { headers: owner });
        return body as unknown as { keys: ApiKeyView[]; next: string | null };
      },
      audits: async () => {
        const { rows } = await admin.query<Record<string, string>>(
          `select action, actor_label, subject_id, before, after from audit_entries
            where tenant_id = $1 order by seq`,
          [merchant.id],
        );
        return rows;
      },
    };
  }

  /** What a read of the admin's comes to with a key. */
  const statusOf = async (key: string | null) =>
    (await send('/admin/stats', { headers: { Authorization: `Bearer ${key}` } })).status;

  return { shop, statusOf };
}
