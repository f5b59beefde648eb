import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { Problem } from '../domain/problems.ts';
import { allowOnly } from './problems.ts';
import type { ProxyTrust } from './proxy-trust.ts';

const maxTargetLength = 4_096;
const maxHeaders = 100;
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const prototypes = /\b(?:__proto__|constructor|prototype)\b/;
const refuseMethod = allowOnly(...methods);

/**
 * Refuses what no client of ours sends, before anybody reads it in one way and somebody else in
 * another: several hosts, an address that contradicts the host, methods that echo or tunnel.
 */
export const refuseOddRequests: RequestHandler = (req, res, next) => {
  if (!methods.includes(req.method)) return refuseMethod(req, res, next);
  if (req.url.length > maxTargetLength) {
    throw new Problem('address-too-long', `An address may have ${maxTargetLength} characters.`);
  }
  if (req.rawHeaders.length / 2 > maxHeaders) {
    throw new Problem('headers-too-large', `A request may have ${maxHeaders} headers.`);
  }
  if (Object.keys(req.query).some((name) => prototypes.test(name))) {
    throw new Problem('invalid-request', 'A parameter has a bad name.');
  }
  const host = hostOf(req);
  if (!req.url.startsWith('/')) req.url = pathOf(req.url, host);
  next();
};

/**
 * Leaves of what proxies tell only what a trusted one says, and of the client's address only the
 * one that they agree on: what reads a header later on cannot be lied to.
 */
export function dropForgedHeaders(trust: ProxyTrust): RequestHandler {
  return (req, _res, next) => {
    const address = trust(req) && req.headers['x-forwarded-for'] ? req.ip : undefined;
    const proto = trust(req) ? req.headers['x-forwarded-proto'] : undefined;
    for (const name of Object.keys(req.headers)) {
      if (/^(?:x-)?forwarded|^x-real-ip$|^x-client-ip$/.test(name)) delete req.headers[name];
    }
    if (address) req.headers['x-forwarded-for'] = address;
    if (proto) req.headers['x-forwarded-proto'] = proto;
    next();
  };
}

type HostOptions = {
  readonly trust: ProxyTrust;
  readonly publicUrl: string;
  readonly tenantDomains: readonly string[];
};

/**
 * Serves under our own names only, so that no answer, link or cookie is made for somebody else's.
 * A trusted proxy may serve a tenant's own domain: it names the tenant.
 */
export function requireKnownHost({ trust, publicUrl, tenantDomains }: HostOptions): RequestHandler {
  const own = new URL(publicUrl).hostname;
  const isKnown = (host: string) =>
    host === own ||
    /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(host) ||
    tenantDomains.some((domain) => host === domain || host.endsWith(`.${domain}`));
  return (req, _res, next) => {
    const isNamed = trust(req) && req.headers['x-tenant-slug'] !== undefined;
    if (!isNamed && !isKnown(hostOf(req))) {
      throw new Problem('host-unknown', 'Nothing is served under this host name.');
    }
    next();
  };
}

/**
 * The one host that a request names, without the port, the dot of a full name and letter case.
 *
 * @throws Problem `invalid-request`
 */
function hostOf(req: IncomingMessage): string {
  const hosts = req.headersDistinct.host ?? [];
  const [host = ''] = hosts;
  // HTTP/1.0 knows no Host; some probes still speak it.
  if (hosts.length === 0 && req.httpVersion === '1.0') return 'localhost';
  const [, name] = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253}?)\.?(?::\d{1,5})?$/i.exec(host) ?? [];
  if (hosts.length === 1 && name) return name.toLowerCase();
  throw new Problem('invalid-request', 'A request names one host, without a user.');
}

/** @throws Problem `invalid-request` for an address that leads elsewhere, or is none */
function pathOf(target: string, host: string): string {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  const isHere =
    url &&
    /^https?:$/.test(url.protocol) &&
    url.hostname.replace(/\.$/, '') === host &&
    !url.username &&
    !url.password;
  if (isHere) return `${url.pathname}${url.search}`;
  throw new Problem('invalid-request', 'The address is not one of this host.');
}
