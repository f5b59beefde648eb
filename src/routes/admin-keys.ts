import type { Router } from 'express';
import type { NewApiKeyReply } from '../contracts/api-keys.ts';
import { ApiKeyId } from '../domain/ids.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { IssuedKeys } from '../services/issued-keys.ts';

type Services = { readonly issuedKeys: IssuedKeys; readonly idempotency: Idempotency };

/** The keys by which a merchant's programs are known. */
export function adminKeyRoutes({ issuedKeys, idempotency }: Services): Router {
  return serve({
    'GET /admin/keys': async ({ query }, _req, res) => {
      res.json(await issuedKeys.list(tenantOf(res).id, query));
    },
    'POST /admin/keys': async ({ body: request }, req, res) => {
      const tenant = tenantOf(res);
      const origin = originOf(req, res);
      res.status(201);
      const work = (id: string) =>
        issuedKeys.create(tenant.id, { id: ApiKeyId.parse(id), request, origin });
      await replyOnce(idempotency, { req, res, tenant, request }, work, withoutSecret);
    },
    'POST /admin/keys/:id/rotate': async ({ params, body: request }, req, res) => {
      const tenant = tenantOf(res);
      const origin = originOf(req, res);
      const { overlapMinutes } = request;
      res.status(201);
      const work = (newId: string) => {
        const id = ApiKeyId.parse(newId);
        return issuedKeys.rotate(tenant.id, { id, keyId: params.id, overlapMinutes, origin });
      };
      await replyOnce(idempotency, { req, res, tenant, request }, work, withoutSecret);
    },
    'DELETE /admin/keys/:id': async ({ params: { id: keyId } }, req, res) => {
      // Repeated, it finds the key revoked: it needs no Idempotency-Key.
      const origin = originOf(req, res);
      res.json(await issuedKeys.revoke(tenantOf(res).id, { keyId, origin }));
    },
  });
}

/** What is stored under an Idempotency-Key: the key itself is nowhere but in the first answer. */
function withoutSecret(reply: NewApiKeyReply): NewApiKeyReply {
  return { ...reply, key: null };
}
