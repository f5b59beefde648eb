import { BlockList, isIP, isIPv6 } from 'node:net';

/** Networks that are nobody's on the internet: IANA's registries of special-purpose addresses. */
const specialNetworks: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // shared by a provider's customers
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, and what clouds tell their machines
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // of protocols
  ['192.0.2.0', 24], // in documents
  ['192.31.196.0', 24], // AS112
  ['192.52.193.0', 24], // AMT
  ['192.88.99.0', 24], // relays to IPv6, given up
  ['192.168.0.0', 16], // private
  ['192.175.48.0', 24], // AS112
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // in documents
  ['203.0.113.0', 24], // in documents
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
  ['2001::', 23], // of protocols; Teredo, which wraps IPv4, is among them
  ['2001:db8::', 32], // in documents
  ['2002::', 16], // 6to4, which wraps IPv4
  ['2620:4f:8000::', 48], // AS112
  ['3fff::', 20], // in documents
];

/** All that is given out to anybody; IPv4 in the clothes of IPv6 is outside of it. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

const special = new BlockList();
for (const [network, prefix] of specialNetworks) {
  special.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4');
}

/** Ends of names that only mean something in a network of one's own. */
const localName =
  /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home|corp|svc|home\.arpa)$/;

/**
 * Whether an address, such as a name resolved to, is somewhere on the internet: not loopback,
 * private, link-local, or special in another way. What is no address at all is not.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6');
    default:
      return false;
  }
}

/**
 * Where a host leads by its text alone. `special`: an address that is not public. `local`: a name
 * that only one's own network knows. A public name may still resolve to any address: whoever
 * connects to it holds that against `isPublicAddress` as well.
 *
 * @param hostname as `URL` spells it, which unites the spellings of an address
 */
export function classifyHost(hostname: string): 'public' | 'local' | 'special' {
  const name = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIP(name)) return isPublicAddress(name) ? 'public' : 'special';
  // A name of one label is asked for in the own network first.
  return localName.test(name) || !name.includes('.') ? 'local' : 'public';
}
