import { type RequestHandler, Router } from 'express';
import { CustomersQuery } from '../contracts/customers.ts';
import { BalancesQuery } from '../contracts/ledger.ts';
import { DaysQuery, SeriesQuery } from '../contracts/stats.ts';
import { parseRequest } from '../middleware/parse-request.ts';
import { allowOnly } from '../middleware/problems.ts';
import { requireSecretKey, tenantOf } from '../middleware/tenant-resolver.ts';
import type { CustomerService } from '../services/customers.ts';
import type { LedgerService } from '../services/ledger.ts';
import type { StatsService } from '../services/stats.ts';

type Services = {
  readonly stats: StatsService;
  readonly ledger: LedgerService;
  readonly customers: CustomerService;
};

/** What a merchant looks at, with the secret key. */
export function adminRoutes({ stats, ledger, customers }: Services): Router {
  const router = Router();
  const read = (path: string, answer: RequestHandler) =>
    router.route(path).get(requireSecretKey, answer).all(allowOnly('GET', 'HEAD'));

  read('/admin/stats', async (req, res) => {
    res.json(await stats.summary(tenantOf(res), parseRequest(DaysQuery, req.query)));
  });
  read('/admin/stats/series', async (req, res) => {
    res.json(await stats.series(tenantOf(res), parseRequest(SeriesQuery, req.query)));
  });
  read('/admin/ledger/balances', async (req, res) => {
    res.json(await ledger.balances(tenantOf(res), parseRequest(BalancesQuery, req.query)));
  });
  read('/admin/ledger/days', async (req, res) => {
    res.json(await ledger.days(tenantOf(res), parseRequest(SeriesQuery, req.query)));
  });
  read('/admin/customers', async (req, res) => {
    res.json(await customers.list(tenantOf(res), parseRequest(CustomersQuery, req.query)));
  });
  return router;
}
