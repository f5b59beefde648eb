import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { routes } from '../../src/contracts/routes.ts';
import { scopes } from '../../src/domain/access.ts';
import { SessionId, TenantId, UserId } from '../../src/domain/ids.ts';
import { aKey, anonymous, aUser, startAppForCallers } from '../support/callers.ts';
import { startGateway } from '../support/gateway.ts';
import { openPeople } from '../support/people.ts';

// Of every answer of every route: what it says that it is (C35), and which methods there are (C38).

const gateway = await startGateway();
const merchant = await gateway.merchant();
const app = await startAppForCallers(gateway.services);
afterAll(async () => {
  await app.close();
  await gateway.close();
});

// Some routes tell a user about himself, so that there has to be one.
const { id: userId, sessionId } = await openPeople(gateway).user();
const superior = aUser({
  userId: UserId.parse(userId),
  sessionId: SessionId.parse(sessionId),
  tenantRole: 'owner',
  platformRole: 'superadmin',
});
const everybody = [
  ['nobody known', anonymous],
  ['a program', aKey({ tenantId: TenantId.parse(merchant.id), scopes })],
  ['everybody’s superior', superior],
] as const;

const pathOf = (pattern: string) =>
  `${pattern.replaceAll(/:\w+/g, randomUUID())}?tenant=${merchant.slug}`;

describe.each(Object.keys(routes))('%s', (name) => {
  const [method = '', pattern = ''] = name.split(' ');
  const bodies = method === 'GET' ? [undefined] : [undefined, {}, { unknown: true }];

  test.each(everybody)('says in its type what it answers to %s', async (_who, caller) => {
    for (const body of bodies) {
      const {
        status,
        headers,
        body: answer,
      } = await app.send(caller, pathOf(pattern), {
        method,
        body,
      });

      const type = status < 400 ? 'application/json' : 'application/problem+json';
      expect(headers.get('Content-Type')).toBe(`${type}; charset=utf-8`);
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
      expect(headers.get('Cache-Control')).toBe('no-store');
      // Without this the rest would say nothing: it is an object, and the app meant to say it.
      expect(answer).not.toHaveProperty('text');
      expect(answer.code).not.toBe('internal-error');
    }
  });
});

const paths = [...new Set(Object.keys(routes).map((name) => name.split(' ')[1] ?? ''))];
// OPTIONS is asked by browsers before they send, and is not a method of a route.
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
// Refused before anybody looks for a route.
const strangeMethods = ['TRACE', 'PROPFIND'];

/** Not `fetch`, which forbids some methods. */
async function ask(method: string, path: string) {
  const sent = request(`${gateway.url}${path}`, { method });
  sent.end();
  const [answer] = await once(sent, 'response');
  answer.resume();
  return { status: answer.statusCode, allow: answer.headers.allow };
}

describe.each(paths)('%s', (pattern) => {
  const known = Object.keys(routes)
    .filter((name) => name.split(' ')[1] === pattern)
    .flatMap((name) => (name.startsWith('GET ') ? ['GET', 'HEAD'] : [name.split(' ')[0] ?? '']));

  test.each(methods.filter((method) => !known.includes(method)))(
    'does not take %s',
    async (method) => {
      expect(await ask(method, pathOf(pattern))).toEqual({ status: 405, allow: known.join(', ') });
    },
  );

  test.each(strangeMethods)('does not take %s', async (method) => {
    expect(await ask(method, pathOf(pattern))).toEqual({
      status: 405,
      allow: [...methods, 'OPTIONS'].join(', '),
    });
  });
});
