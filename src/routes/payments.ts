import { Router } from 'express';
import { CreatePaymentRequest } from '../contracts/payments.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { parseRequest } from '../middleware/parse-request.ts';
import { allowOnly } from '../middleware/problems.ts';
import { requestIdOf } from '../middleware/request-id.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { PaymentService } from '../services/payments.ts';

type Services = { readonly payments: PaymentService; readonly idempotency: Idempotency };

export function paymentRoutes({ payments, idempotency }: Services): Router {
  const router = Router();
  router
    .route('/payment/create')
    .post(...jsonBody, async (req, res) => {
      const tenant = tenantOf(res);
      const request = parseRequest(CreatePaymentRequest, req.body);
      // An order resumes by its own id, so the key's resource id is not needed here.
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        payments.create(tenant, request, requestIdOf(res)),
      );
    })
    .all(allowOnly('POST'));
  return router;
}
