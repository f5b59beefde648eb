import { join } from 'node:path';
import express, { type Response, Router } from 'express';
import { Liquid } from 'liquidjs';
import { z } from 'zod';
import type { InboxMessage, Store } from './store.ts';

const PAGE_SIZE = 50;

const ListQuery = z.object({
  q: z.string().max(200).catch(''),
  before: z.coerce.number().int().positive().optional().catch(undefined),
});
const MessageParams = z.object({ id: z.coerce.number().int().positive() });
const View = z.enum(['html', 'text', 'headers', 'source']);
const MessageQuery = z.object({ view: View.optional().catch(undefined) });

// Links of a mail open in a new tab, as in a mail program; nothing else of it may run or load.
const MAIL_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-popups allow-popups-to-escape-sandbox',
].join('; ');

/** The pages for people: the list, one mail, and that mail's HTML part in a frame of its own. */
export function pageRoutes({ store, smtpUrl }: { store: Store; smtpUrl: string }): Router {
  const views = new Liquid({
    root: join(import.meta.dirname, 'views'),
    extname: '.liquid',
    outputEscape: 'escape',
    strictVariables: true,
    strictFilters: true,
    cache: true,
  });
  const render = async (res: Response, view: string, data: object) => {
    res.type('html').send(await views.renderFile(view, { ...data, smtpUrl }));
  };

  const router = Router();
  router.use('/assets', express.static(join(import.meta.dirname, 'assets')));

  router.get('/', async (req, res) => {
    const { q, before } = ListQuery.parse(req.query);
    const found = store.list({ any: q.trim(), before, limit: PAGE_SIZE + 1 });
    const messages = found.slice(0, PAGE_SIZE);
    const last = found.length > PAGE_SIZE ? messages.at(-1) : undefined;
    const now = new Date();
    await render(res, 'list', {
      title: 'Inbox',
      q,
      isFirstPage: before === undefined,
      older: last ? `/?${new URLSearchParams({ q, before: `${last.id}` })}` : '',
      messages: messages.map((message) => toRow(message, now)),
    });
  });

  router.get('/messages/:id', async (req, res, next) => {
    const { id } = MessageParams.parse(req.params);
    const message = store.find(id);
    if (!message) return next();
    const view = MessageQuery.parse(req.query).view ?? (message.html ? 'html' : 'text');
    await render(res, 'message', {
      title: message.subject || '(no subject)',
      message: toRow(message, new Date()),
      view,
      tabs: tabs.map((tab) => ({ ...tab, isCurrent: tab.view === view })),
      source: view === 'source' ? (store.findRaw(id)?.toString('utf8') ?? '') : '',
    });
  });

  router.get('/messages/:id/html', (req, res, next) => {
    const { id } = MessageParams.parse(req.params);
    const message = store.find(id);
    if (!message) return next();
    res.set({ 'content-security-policy': MAIL_POLICY, 'x-frame-options': 'SAMEORIGIN' });
    res.type('html').send(`<!doctype html><base target="_blank">${message.html}`);
  });

  router.use(async (_req, res) => {
    res.status(404);
    await render(res, 'missing', { title: 'Not here' });
  });
  return router;
}

const tabs = [
  { view: 'html', label: 'Mail' },
  { view: 'text', label: 'Plain text' },
  { view: 'headers', label: 'Headers' },
  { view: 'source', label: 'Source' },
] as const;

function toRow(message: InboxMessage, now: Date) {
  const receivedAt = new Date(message.receivedAt);
  return {
    ...message,
    ago: timeAgo(receivedAt, now),
    exact: `${receivedAt.toISOString().slice(0, 19).replace('T', ' ')} UTC`,
  };
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export function timeAgo(then: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - then.getTime()) / 1000));
  if (seconds < 10) return 'just now';
  if (seconds < 60) return relative.format(-seconds, 'second');
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return relative.format(-Math.floor(seconds / 3600), 'hour');
  return relative.format(-Math.floor(seconds / 86_400), 'day');
}
