import type { Router } from 'express';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { CustomerService } from '../services/customers.ts';
import type { LedgerService } from '../services/ledger.ts';
import type { StatsService } from '../services/stats.ts';

type Services = {
  readonly stats: StatsService;
  readonly ledger: LedgerService;
  readonly customers: CustomerService;
};

/** What a merchant looks at. */
export function adminRoutes({ stats, ledger, customers }: Services): Router {
  return serve({
    'GET /admin/stats': async ({ query }, _req, res) => {
      res.json(await stats.summary(tenantOf(res), query));
    },
    'GET /admin/stats/series': async ({ query }, _req, res) => {
      res.json(await stats.series(tenantOf(res), query));
    },
    'GET /admin/ledger/balances': async ({ query }, _req, res) => {
      res.json(await ledger.balances(tenantOf(res), query));
    },
    'GET /admin/ledger/days': async ({ query }, _req, res) => {
      res.json(await ledger.days(tenantOf(res), query));
    },
    'GET /admin/customers': async ({ query }, _req, res) => {
      res.json(await customers.list(tenantOf(res), query));
    },
  });
}
