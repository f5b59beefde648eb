import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Whether a request reached us from a proxy of ours, by the address of its connection. */
export type ProxyTrust = (req: IncomingMessage) => boolean;

/** Whether a request reached us from one of these proxies. */
export function trustProxies(proxies: readonly string[]): ProxyTrust {
  const isTrusted = trustAddresses(proxies);
  return (req) => isTrusted(req.socket.remoteAddress);
}

/**
 * Reads the trusted proxies: addresses (`10.0.0.7`) and networks (`10.0.0.0/8`).
 *
 * @throws Error for one that is neither
 */
export function trustAddresses(
  proxies: readonly string[],
): (address: string | undefined) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(proxy) ?? [];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const widest = family === 'ipv6' ? 128 : 32;
    // Checked here: the list would read `10.0.0.7/` as a network of all addresses.
    if (!isIP(address) || Number(prefix ?? widest) > widest) {
      throw new Error(`"${proxy}" is neither an address nor a network.`);
    }
    trusted.addSubnet(address, Number(prefix ?? widest), family);
  }
  // The list unwraps IPv4 addresses that a dual-stack socket shows as IPv6.
  return (address) =>
    address !== undefined && trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
