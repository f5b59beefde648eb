import { Router } from 'express';
import { z } from 'zod';
import type { Accounts } from '../accounts.ts';
import type { Books } from '../books.ts';
import { listNotifications } from '../notifications/log.ts';
import type { Notifications } from '../notifications/notifications.ts';
import { tamperModes } from '../notifications/tamper.ts';
import { Refusal } from '../refusal.ts';
import type { SettingsStore } from '../settings.ts';
import { parse, parseBody } from './parse.ts';

type Parts = {
  accounts: Accounts;
  books: Books;
  notifications: Notifications;
  settings: SettingsStore;
};

const Id = z.coerce.number().int().positive();
const Filter = z.object({
  orderId: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
const Next = z.int().min(0).max(1_000_000).default(1);
const Test = z.strictObject({
  serverKey: z.string().optional(),
  merchantId: z.string().optional(),
  url: z.string().optional(),
});

/** What a network and a forger do to notifications. */
export function notificationRoutes(parts: Parts): Router {
  const { accounts, books, notifications, settings } = parts;
  const router = Router();

  router.get('/', (req, res) => {
    res.json({ notifications: listNotifications(books, parse(Filter, req.query)) });
  });
  router.delete('/', (_req, res) => {
    notifications.clear();
    res.json({ cleared: true });
  });
  router.post('/duplicate', (req, res) => {
    const { times } = parseBody(
      z.strictObject({ times: z.int().min(1).max(1000).default(1) }),
      req,
    );
    res.json({ id: notifications.duplicateLast(times), times });
  });
  router.post('/hold', (_req, res) => {
    res.json(settings.change({ holdNotifications: true }));
  });
  router.post('/release', (req, res) => {
    const Order = z.strictObject({ order: z.enum(['given', 'reverse']).default('given') });
    res.json({ released: notifications.release(parseBody(Order, req).order) });
  });
  router.post('/drop', (req, res) => {
    const { next } = parseBody(z.strictObject({ next: Next }), req);
    res.json(settings.change({ dropNotifications: next }));
  });
  router.post('/delay', (req, res) => {
    const { seconds } = parseBody(z.strictObject({ seconds: z.int().min(0).max(86_400) }), req);
    res.json(settings.change({ notificationDelaySeconds: seconds }));
  });
  router.post('/tamper', (req, res) => {
    const Forgery = z.strictObject({ mode: z.enum(tamperModes), next: Next });
    const { mode, next } = parseBody(Forgery, req);
    res.json(settings.change({ tamperMode: mode, tamperNotifications: next }));
  });
  router.post('/test', (req, res) => {
    const { serverKey, merchantId, url } = parseBody(Test, req);
    const account =
      serverKey === undefined ? accounts.find(merchantId ?? '') : accounts.authenticate(serverKey);
    if (!account) throw new Refusal('account-not-found', 'Name an account that exists.');
    notifications.sendTest(account, url);
    res.json({ sent: true });
  });
  router.post('/:id/resend', (req, res) => {
    const Resend = z.strictObject({ tamper: z.enum(tamperModes).optional() });
    const id = parse(Id, req.params.id);
    notifications.resend(id, parseBody(Resend, req).tamper);
    res.json({ id });
  });
  return router;
}
