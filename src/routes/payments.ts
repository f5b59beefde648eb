import type { Router } from 'express';
import { replyOnce } from '../middleware/idempotency.ts';
import { requestIdOf } from '../middleware/request-id.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { PaymentService } from '../services/payments.ts';

type Services = { readonly payments: PaymentService; readonly idempotency: Idempotency };

export function paymentRoutes({ payments, idempotency }: Services): Router {
  return serve({
    'POST /payment/create': async ({ body: request }, req, res) => {
      const tenant = tenantOf(res);
      // An order resumes by its own id, so the key's resource id is not needed here.
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        payments.create(tenant, request, requestIdOf(res)),
      );
    },
  });
}
