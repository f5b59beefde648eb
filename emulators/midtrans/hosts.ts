import { isIPv4 } from 'node:net';

/** Whether a notification may be sent there; a demo must not reach strangers. */
export function isAllowedHost(hostname: string, extra: readonly string[]): boolean {
  return isLoopback(hostname) || extra.includes(hostname.toLowerCase());
}

/** `hostname` as a URL gives it: lower case, IPv4 in its plain form, IPv6 in brackets. */
export function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isLocalName(hostname) || (isIPv4(hostname) && hostname.startsWith('127.'));
}

/** Where to connect for it: `*.localhost` is this machine, though not every resolver says so. */
export function addressOf(hostname: string): string {
  return isLocalName(hostname) ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '');
}

function isLocalName(hostname: string): boolean {
  return hostname.endsWith('.localhost');
}
