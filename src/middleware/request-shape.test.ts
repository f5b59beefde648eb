import type { RequestHandler } from 'express';
import { expect, test } from 'vitest';
import { serve } from '../../test/support/serve.ts';
import { trustProxies } from './proxy-trust.ts';
import { dropForgedHeaders } from './request-shape.ts';

const told = [
  'X-Forwarded-For',
  '198.51.100.1, 203.0.113.7',
  'X-Forwarded-Proto',
  'https',
  'X-Forwarded-Host',
  'evil.example',
  'X-Forwarded-Port',
  '444',
  'X-Forwarded-Server',
  'evil.example',
  'Forwarded',
  'for=198.51.100.1;host=evil.example',
  'X-Real-IP',
  '198.51.100.1',
  'X-Client-IP',
  '198.51.100.1',
];

/** What is left of them for whoever reads headers later on, and the address that Express names. */
async function heard(trusted: readonly string[]) {
  const settings: RequestHandler = (req, _res, next) => {
    req.app.set('trust proxy', [...trusted]);
    next();
  };
  const ask = await serve(
    [
      settings,
      dropForgedHeaders(trustProxies(trusted)),
      (req, res) => {
        const left = Object.entries(req.headers).filter(([name]) => /forward|-ip$/.test(name));
        res.json({ left: Object.fromEntries(left), ip: req.ip });
      },
    ],
    { trusted },
  );
  return (await ask({ headers: told })).body;
}

test('nothing of what a client says about itself is left', async () => {
  expect(await heard(['10.0.0.1'])).toEqual({ left: {}, ip: '127.0.0.1' });
});

test('of what a trusted proxy says the client’s address is left, and whether it came by https', async () => {
  expect(await heard(['127.0.0.0/8'])).toEqual({
    left: { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' },
    ip: '203.0.113.7',
  });
});
