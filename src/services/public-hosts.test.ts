import { expect, test } from 'vitest';
import { classifyHost, isPublicAddress } from './public-hosts.ts';

const hostOf = (address: string) => new URL(`https://${address}/`).hostname;

test.each(['shop.example', 'shop.example.', 'localhost.shop.example', 'my-local.example'])(
  '%s may be anywhere on the internet',
  (name) => {
    expect(classifyHost(hostOf(name))).toBe('public');
  },
);

test.each(['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '[2606:4700::1111]'])(
  'the address %s is public',
  (address) => {
    expect(classifyHost(hostOf(address))).toBe('public');
  },
);

test.each([
  // Loopback, in the spellings that a browser reads as one.
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '%31%32%37.0.0.1',
  '127.255.255.254',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  // IPv4 in IPv6.
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:8.8.8.8]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  // Private, shared, link-local, special.
  '0.0.0.0',
  '0',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.127.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fec0::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[3fff::1]',
])('the address %s is nobody’s on the internet', (address) => {
  expect(classifyHost(hostOf(address))).toBe('special');
});

test.each([
  'localhost',
  'LOCALHOST',
  'localhost.',
  'shop.localhost',
  'printer.local',
  'printer.local.',
  'metadata.google.internal',
  'router.home.arpa',
  'nas.lan',
  'redis',
  'localhost.localdomain',
])('%s is known to one’s own network only', (name) => {
  expect(classifyHost(hostOf(name))).toBe('local');
});

test.each(['', 'shop.example', '127.1', '8.8.8.8 ', '::1%lo', '256.1.1.1'])(
  'what is no resolved address, as "%s", is not public',
  (text) => {
    expect(isPublicAddress(text)).toBe(false);
  },
);
