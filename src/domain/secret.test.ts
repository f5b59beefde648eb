import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

test('a secret prints as such everywhere, and is there when asked for', () => {
  const secret = new Secret('hunter2');

  for (const text of [`${secret}`, JSON.stringify({ secret }), inspect({ secret })]) {
    expect(text).not.toContain('hunter2');
  }
  expect(secret.reveal()).toBe('hunter2');
});
