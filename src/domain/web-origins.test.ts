import { expect, test } from 'vitest';
import { toWebOrigin } from './web-origins.ts';

test.each([
  ['https://shop.example', 'https://shop.example'],
  ['https://shop.example/', 'https://shop.example'],
  ['HTTPS://Shop.EXAMPLE', 'https://shop.example'],
  ['https://shop.example:443', 'https://shop.example'],
  ['https://shop.example:8443', 'https://shop.example:8443'],
  ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ['http://localhost:5173', 'http://localhost:5173'],
  ['http://shop.localhost:3010', 'http://shop.localhost:3010'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://[::1]:8080', 'http://[::1]:8080'],
])('"%s" is the origin %s', (text, origin) => {
  expect(toWebOrigin(text)).toBe(origin);
});

test.each([
  'null',
  '',
  '*',
  'shop.example',
  '//shop.example',
  'http://shop.example',
  'http://localhost.shop.example',
  'http://notlocalhost',
  'https://',
  'https:///shop.example',
  'https:\\\\shop.example',
  'https://*.shop.example',
  'https://shop.example/path',
  'https://shop.example//',
  'https://shop.example?',
  'https://shop.example#',
  'https://shop.example?a=b',
  'https://user@shop.example',
  'https://user:word@shop.example',
  'https://@shop.example',
  ' https://shop.example',
  'https://shop.example\n',
  'https://shop\t.example',
  'https://shop.example https://other.example',
  'https://shop.example, https://other.example',
  'https://shop.example:99999',
  'https://[::1',
  'ftp://shop.example',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,hello',
  'chrome-extension://abcdefghijklmnop',
])('"%s" is no origin of a shop', (text) => {
  expect(toWebOrigin(text)).toBeUndefined();
});
