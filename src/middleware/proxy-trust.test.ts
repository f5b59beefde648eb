import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { trustProxies } from './proxy-trust.ts';

test.each([
  [['10.0.0.7'], '10.0.0.7', true],
  [['10.0.0.7'], '10.0.0.8', false],
  [['10.0.0.0/8'], '10.255.0.1', true],
  [['10.0.0.0/8'], '11.0.0.1', false],
  [['10.0.0.7/32'], '10.0.0.7', true],
  [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
  [['10.0.0.0/8'], '::ffff:11.1.2.3', false],
  [['::1'], '::1', true],
  [['::1'], '::2', false],
  [['fd00::/8'], 'fd12:3456::1', true],
  [['fd00::/8'], 'fe80::1', false],
  [['10.0.0.7', 'fd00::/8'], '10.0.0.7', true],
  [['0.0.0.0/0'], '203.0.113.9', true],
  [[], '127.0.0.1', false],
  [['127.0.0.0/8'], undefined, false],
])('with the proxies %j, trust in %s is %s', (proxies, address, isTrusted) => {
  expect(trustProxies(proxies)(requestFrom(address))).toBe(isTrusted);
});

test.each([
  'proxy.example',
  '10.0.0.7/',
  '10.0.0.0/33',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  '10.0.0.0/8a',
  '10.0.0',
  '::1/129',
  '/8',
  '',
])('"%s" is refused rather than trusted somehow', (proxy) => {
  expect(() => trustProxies([proxy])).toThrow(`"${proxy}" is neither an address nor a network`);
});

function requestFrom(remoteAddress: string | undefined): IncomingMessage {
  return new IncomingMessage(
    Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress }),
  );
}
