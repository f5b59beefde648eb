import type { Router } from 'express';
import type { MidtransAccountReply } from '../contracts/midtrans-account.ts';
import { originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { MidtransAccounts } from '../services/midtrans-accounts.ts';
import type { TenantDirectory } from '../services/tenants.ts';

type Services = {
  readonly midtransAccounts: MidtransAccounts;
  readonly directory: Pick<TenantDirectory, 'forget'>;
};

/** The key by which a merchant is paid. Sent again it changes nothing, so it needs no idempotency key. */
export function adminMidtransAccountRoutes({ midtransAccounts, directory }: Services): Router {
  return serve({
    'PUT /admin/settings/midtrans': async ({ body }, req, res) => {
      const tenant = tenantOf(res);
      const account = await midtransAccounts.change(tenant, body, originOf(req, res));
      // Other processes hear of it in a moment; whoever is answered here must find it changed.
      directory.forget(tenant.id);
      res.json({ success: true, account } satisfies MidtransAccountReply);
    },
  });
}
