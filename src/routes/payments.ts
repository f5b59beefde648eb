import { Router } from 'express';
import { CreatePaymentRequest } from '../contracts/payments.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { parseRequest } from '../middleware/parse-request.ts';
import { allowOnly } from '../middleware/problems.ts';
import { requestIdOf } from '../middleware/request-id.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { PaymentService } from '../services/payments.ts';

export function paymentRoutes(payments: PaymentService): Router {
  const router = Router();
  router
    .route('/payment/create')
    .post(...jsonBody, async (req, res) => {
      const request = parseRequest(CreatePaymentRequest, req.body);
      res.json(await payments.create(tenantOf(res), request, requestIdOf(res)));
    })
    .all(allowOnly('POST'));
  return router;
}
