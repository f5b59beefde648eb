import express, { Router } from 'express';
import { z } from 'zod';
import { FaultPlan, type Faults } from './faults.ts';
import { MAX_MESSAGES, type Store } from './store.ts';

const MessageQuery = z.strictObject({
  to: z.string().optional(),
  subject: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(MAX_MESSAGES).default(MAX_MESSAGES),
});

/** The API that tests drive the inbox with. */
export function controlRoutes({ store, faults }: { store: Store; faults: Faults }): Router {
  const router = Router();
  router.use(express.json({ limit: '16kb' }));
  router.get('/messages', (req, res) => {
    res.json(store.list(MessageQuery.parse(req.query)));
  });
  router.delete('/messages', (_req, res) => {
    store.clear();
    res.status(204).end();
  });
  router.get('/faults', (_req, res) => {
    res.json(faults.current());
  });
  router.put('/faults', (req, res) => {
    faults.replace(FaultPlan.parse(req.body));
    res.json(faults.current());
  });
  return router;
}
