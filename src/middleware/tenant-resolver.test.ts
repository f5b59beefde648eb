import { Router } from 'express';
import { expect, test } from 'vitest';
import { serve } from '../../test/support/serve.ts';
import { keyScopes } from '../domain/access.ts';
import { ApiKeyId, Slug, TenantId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import type { Tenant, TenantStatus } from '../domain/tenant.ts';
import type { ApiKeys } from '../services/api-keys.ts';
import type { TenantDirectory } from '../services/tenants.ts';
import { identifyCaller } from './caller.ts';
import { trustProxies } from './proxy-trust.ts';
import { anyTenantOf, resolveTenant, tenantOf } from './tenant-resolver.ts';

const statuses = ['pending', 'inactive', 'suspended', 'archived'] as const;
const keyOf = (slug: string) => `sk_test_${slug}_0123456789abcdef`;

test.each<[string, readonly string[], string]>([
  ['the header of a trusted proxy', ['X-Tenant-Slug', 'shop'], '/'],
  ['the header in another case', ['x-tenant-slug', 'SHOP'], '/'],
  ['the subdomain', ['Host', 'shop.kassa.example'], '/'],
  ['the subdomain with a port', ['Host', 'shop.kassa.example:8443'], '/'],
  ['the subdomain in another case', ['Host', 'Shop.KASSA.example'], '/'],
  ['the subdomain of a full name', ['Host', 'shop.kassa.example.'], '/'],
  ['the subdomain of a full name with a port', ['Host', 'shop.kassa.example.:80'], '/'],
  ['the subdomain of another domain of ours', ['Host', 'shop.localhost:3010'], '/'],
  ['the query', [], '/?tenant=shop'],
  ['the query in another case', [], '/?tenant=Shop'],
  ['its secret key', ['Authorization', `Bearer ${keyOf('shop')}`], '/'],
  ['its secret key, spelled otherwise', ['Authorization', `bearer ${keyOf('shop')}`], '/'],
  [
    'the header beside a platform name',
    ['X-Tenant-Slug', 'shop', 'Host', 'www.kassa.example'],
    '/',
  ],
  ['the query beside a platform name', ['Host', 'admin.kassa.example'], '/?tenant=shop'],
  ['the header beside a platform name in it', ['X-Tenant-Slug', 'www'], '/?tenant=shop'],
  [
    'all of them',
    [
      'X-Tenant-Slug',
      'shop',
      'Host',
      'shop.kassa.example',
      'Authorization',
      `Bearer ${keyOf('shop')}`,
    ],
    '/?tenant=shop',
  ],
  [
    'a header that is repeated',
    ['X-Tenant-Slug', 'shop', 'X-Tenant-Slug', 'shop'],
    '/?tenant=shop&tenant=shop',
  ],
])('a tenant is known by %s', async (_, headers, path) => {
  const ask = await serveTenants();

  expect(await ask({ headers, path })).toMatchObject({ status: 200, body: { slug: 'shop' } });
});

test.each<[string, readonly string[], string]>([
  ['nothing', [], '/'],
  ['the bare domain', ['Host', 'kassa.example'], '/'],
  ['another domain', ['Host', 'shop.elsewhere.example'], '/'],
  ['a domain that ends like ours', ['Host', 'shop.notkassa.example'], '/'],
  ['an address', ['Host', '127.0.0.1:3010'], '/'],
  ['an address of six', ['Host', '[::1]:3010'], '/'],
  ['a platform name', ['Host', 'www.kassa.example'], '/'],
  ['a platform name in another case', ['Host', 'WWW.kassa.example'], '/'],
  ['a platform name in the query', [], '/?tenant=admin'],
  ['credentials of another kind', ['Authorization', 'Basic c2hvcDpzaG9w'], '/'],
])('%s names no tenant', async (_, headers, path) => {
  const ask = await serveTenants();

  expect((await ask({ headers, path })).body).toMatchObject({
    status: 400,
    code: 'tenant-missing',
  });
});

test('the header of a client is not believed', async () => {
  const ask = await serveTenants({ trusted: ['10.0.0.0/8'] });

  const alone = await ask({ headers: ['X-Tenant-Slug', 'shop'] });
  const beside = await ask({ headers: ['X-Tenant-Slug', 'shop'], path: '/?tenant=other' });

  expect(alone.body).toMatchObject({ code: 'tenant-missing' });
  expect(beside.body).toEqual({ slug: 'other' });
});

test.each<[string, readonly string[], string]>([
  ['header and subdomain', ['X-Tenant-Slug', 'other', 'Host', 'shop.kassa.example'], '/'],
  ['header and query', ['X-Tenant-Slug', 'other'], '/?tenant=shop'],
  ['subdomain and query', ['Host', 'other.kassa.example'], '/?tenant=shop'],
  ['two headers', ['X-Tenant-Slug', 'shop', 'X-Tenant-Slug', 'other'], '/'],
  ['two queries', [], '/?tenant=shop&tenant=other'],
  ['a tenant and nobody', ['X-Tenant-Slug', 'nobody'], '/?tenant=shop'],
  ['a tenant and an empty name', [], '/?tenant=shop&tenant='],
  [
    'subdomain and key',
    ['Host', 'shop.kassa.example', 'Authorization', `Bearer ${keyOf('other')}`],
    '/',
  ],
  ['query and key', ['Authorization', `Bearer ${keyOf('other')}`], '/?tenant=shop'],
  ['header and key', ['X-Tenant-Slug', 'shop', 'Authorization', `Bearer ${keyOf('other')}`], '/'],
])('%s that contradict each other are refused', async (_, headers, path) => {
  const ask = await serveTenants();

  expect((await ask({ headers, path })).body).toMatchObject({
    status: 400,
    code: 'tenant-conflict',
  });
});

test.each<[string, readonly string[], string]>([
  ['a name that nobody has', [], '/?tenant=nobody'],
  ['a nested name', ['Host', 'a.shop.kassa.example'], '/'],
  ['a platform name before a tenant', ['Host', 'www.shop.kassa.example'], '/'],
  ['an empty label', ['Host', '.kassa.example'], '/'],
  ['a name that cannot be one', [], '/?tenant=sh_op'],
  ['a name that is too short', [], '/?tenant=ab'],
  ['a name with a blank', [], '/?tenant=%20shop'],
  ['a name with NUL', [], '/?tenant=shop%00'],
  ['an empty name', [], '/?tenant='],
  ['two names in one header', ['X-Tenant-Slug', 'shop,other'], '/'],
])('%s is not found', async (_, headers, path) => {
  const ask = await serveTenants();

  expect((await ask({ headers, path })).body).toMatchObject({
    status: 404,
    code: 'tenant-not-found',
  });
});

test('a query that pretends to have parts names no tenant', async () => {
  const ask = await serveTenants();

  expect((await ask({ path: '/?tenant[slug]=shop' })).body).toMatchObject({
    code: 'tenant-missing',
  });
});

test.each(statuses)(
  'a tenant that is %s takes no requests, and does not say why',
  async (status) => {
    const ask = await serveTenants();

    const answer = await ask({ path: `/?tenant=${status}-shop` });

    expect(answer.body).toMatchObject({ status: 403, code: 'tenant-inactive' });
    expect(JSON.stringify(answer.body)).not.toContain(`"${status}`);
  },
);

test.each(statuses)(
  'what a provider says about money of a tenant that is %s is heard',
  async (status) => {
    const ask = await serveTenants();

    const answer = await ask({ path: `/any?tenant=${status}-shop` });

    expect(answer).toMatchObject({ status: 200, body: { slug: `${status}-shop` } });
  },
);

test.each([
  ['nobody has', keyOf('nobody')],
  ['is cut short', 'sk_test_012'],
  ['is damaged', `${keyOf('shop')}!`],
  ['is too long', `sk_${'a'.repeat(201)}`],
  ['is two', `${keyOf('shop')} ${keyOf('other')}`],
])('a secret key that %s is refused, also where none is needed', async (_, key) => {
  const ask = await serveTenants();

  const { headers, body } = await ask({
    path: '/?tenant=shop',
    headers: ['Authorization', `Bearer ${key}`],
  });

  expect(body).toMatchObject({ status: 401, code: 'key-invalid' });
  expect(headers['www-authenticate']).toBe('Bearer realm="kassa"');
  expect(JSON.stringify(body)).not.toContain(key);
});

/** Two doors behind the resolver: for active tenants, and for any. */
function serveTenants({ trusted = ['127.0.0.0/8'] } = {}) {
  const router = Router();
  router.get('/', (_req, res) => void res.json({ slug: tenantOf(res).slug }));
  router.get('/any', (_req, res) => void res.json({ slug: anyTenantOf(res).slug }));
  const directory = createDirectory();
  const resolver = resolveTenant({
    directory,
    trust: trustProxies(trusted),
    tenantDomains: ['kassa.example', 'localhost'],
    platformSubdomains: ['www', 'admin'],
  });
  const sessions = { authenticate: async () => ({ kind: 'anonymous' }) as const };
  const identify = identifyCaller({ apiKeys: createKeys(directory), sessions });
  return serve([identify, resolver, router]);
}

/** Knows `shop`, `other`, and a shop for each other status. */
function createDirectory(): TenantDirectory {
  const names = new Map<string, TenantStatus>([
    ['shop', 'active'],
    ['other', 'active'],
    ...statuses.map((status) => [`${status}-shop`, status] as const),
  ]);
  const tenants = [...names].map(([slug, status], index) => tenant(slug, status, index));
  return {
    findBySlug: async (slug) => tenants.find((each) => each.slug === slug),
    find: async (id) => tenants.find((each) => each.id === id),
    forget: () => undefined,
    forgetAll: () => undefined,
  };
}

/** Knows the secret keys of those tenants. */
function createKeys(directory: TenantDirectory): ApiKeys {
  return {
    authenticate: async (key) => {
      const [, name] = /^sk_test_([a-z]+)_0123456789abcdef$/.exec(key.reveal()) ?? [];
      const owner = name && (await directory.findBySlug(Slug.parse(name)));
      if (!owner) throw new Problem('key-invalid', 'No tenant has this key.');
      const keyId = ApiKeyId.parse(owner.id);
      const prefix = key.reveal().slice(0, 12);
      const type = 'secret';
      return {
        caller: { kind: 'key', keyId, tenantId: owner.id, type, prefix, scopes: keyScopes },
        tenant: owner,
      };
    },
  };
}

function tenant(slug: string, status: TenantStatus, index: number): Tenant {
  return {
    id: TenantId.parse(`00000000-0000-4000-8000-00000000000${index}`),
    slug: Slug.parse(slug),
    name: slug,
    status,
    locale: 'id',
    currency: 'IDR',
    timeZone: 'Asia/Jakarta',
    maxOrdersPerMonth: undefined,
    returnUrl: undefined,
    paymentExpiryMinutes: 1_440,
    emailFrom: undefined,
    emailReplyTo: undefined,
    allowedOrigins: [],
    createRequiresKey: false,
    midtrans: undefined,
    requiresSecondFactor: false,
  };
}
