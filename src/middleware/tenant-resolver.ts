import type { Request, RequestHandler, Response } from 'express';
import { Slug } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { noSuchTenant, requireActive, type Tenant } from '../domain/tenant.ts';
import type { TenantDirectory } from '../services/tenants.ts';
import { keyOwnerOf } from './caller.ts';
import type { ProxyTrust } from './proxy-trust.ts';

type ResolverOptions = {
  readonly directory: TenantDirectory;
  readonly trust: ProxyTrust;
  /** Domains whose subdomains are tenants: `kassa.example` makes `buatfilm.kassa.example` one. */
  readonly tenantDomains: readonly string[];
  /** Names that belong to the platform and are no tenants: `www`, `admin`. */
  readonly platformSubdomains: readonly string[];
};

/**
 * Finds whose request this is: header `X-Tenant-Slug` from a trusted proxy, then the subdomain,
 * then `?tenant=`, then the caller's key. All that are given must name the same tenant.
 */
export function resolveTenant(options: ResolverOptions): RequestHandler {
  const { directory, trust } = options;
  return async (req, res, next) => {
    const name = nameIn(req, options);
    const named = name === undefined ? undefined : await findTenant(directory, name);
    const owner = keyOwnerOf(res);
    if (named && owner && named.id !== owner.id) throw conflict();
    res.locals.tenant = owner ?? named;
    next();
  };

  function nameIn(req: Request, { tenantDomains, platformSubdomains }: ResolverOptions) {
    const headers = trust(req) ? (req.headersDistinct['x-tenant-slug'] ?? []) : [];
    const subdomain = subdomainOf(req.headers.host, tenantDomains);
    const isPlatform = (name: unknown) => platformSubdomains.includes(String(name).toLowerCase());
    // A proxy may say in the header what it read from the host name; a platform name is no tenant's.
    const isMirrored = (name: string) => isPlatform(name) && (!subdomain || isPlatform(subdomain));
    const { tenant: query } = req.query;
    const name = agreed([
      ...headers.filter((header) => !isMirrored(header)),
      isPlatform(subdomain) ? undefined : subdomain,
      ...[query].flat(),
    ]);
    return isPlatform(name) ? undefined : name;
  }
}

/** @throws Problem `tenant-conflict` when the names that are given are not one name */
function agreed(names: readonly unknown[]): string | undefined {
  const given = names
    .filter((name) => name !== undefined)
    .map((name) => String(name).toLowerCase());
  if (new Set(given).size > 1) throw conflict();
  return given[0];
}

/** @throws Problem `tenant-missing`, `tenant-inactive` */
export function tenantOf(res: Response): Tenant {
  return requireActive(anyTenantOf(res));
}

/**
 * The tenant whatever its status: what a provider says about money is heard even when the merchant
 * may not sell.
 *
 * @throws Problem `tenant-missing`
 */
export function anyTenantOf(res: Response): Tenant {
  const { tenant } = res.locals;
  if (tenant) return tenant;
  throw new Problem('tenant-missing', 'Name the tenant by its subdomain, by ?tenant= or by a key.');
}

async function findTenant(directory: TenantDirectory, name: string): Promise<Tenant> {
  const slug = Slug.safeParse(name);
  const tenant = slug.success ? await directory.findBySlug(slug.data) : undefined;
  if (!tenant) throw noSuchTenant();
  return tenant;
}

function subdomainOf(host: string | undefined, domains: readonly string[]): string | undefined {
  // Without the port and the dot of a fully qualified name.
  const name = host?.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  const domain = domains.find((candidate) => name?.endsWith(`.${candidate}`));
  return domain && name?.slice(0, -domain.length - 1);
}

function conflict(): Problem {
  return new Problem(
    'tenant-conflict',
    'Header, subdomain, ?tenant= and key must name the same tenant.',
  );
}
