import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';
import { allowOwnPage } from '../middleware/security-headers.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';

const pages = fileURLToPath(new URL('../../web/demo', import.meta.url));

/** The same for everybody, so a browser may keep them; it asks each time whether they changed. */
const assets = express.static(`${pages}/assets`, {
  index: false,
  setHeaders: (res) => res.setHeader('Cache-Control', 'no-cache'),
});

/** A small shop per tenant, to try a payment in a browser. Served in demo mode only. */
export function demoRoutes(): Router {
  const router = Router();
  router.use('/demo', allowOwnPage);
  router.get('/demo', (_req, res) => {
    tenantOf(res);
    res.sendFile('shop.html', { root: pages });
  });
  router.get('/demo/order', (_req, res) => {
    tenantOf(res);
    res.sendFile('order.html', { root: pages });
  });
  router.get('/demo/tenant.json', (_req, res) => {
    const { slug, name, locale, currency, timeZone } = tenantOf(res);
    res.json({ slug, name, locale, currency, timeZone });
  });
  router.use('/demo/assets', assets);
  return router;
}
