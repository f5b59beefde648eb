import { expect, test } from 'vitest';
import { plans } from './support/requests.ts';
import { openScene } from './support/scene.ts';

/*
 * The attacks change valid requests. A route for which none can be made would be attacked with
 * refused ones only, which proves little.
 */
const scene = await openScene();

/** What a request meets that did not get as far as its route's own rules. */
const unasked = [
  'invalid-request',
  'invalid-json',
  'credentials-required',
  'key-invalid',
  'not-allowed',
  'origin-not-allowed',
  'second-factor-required',
  'confirmation-required',
  'tenant-missing',
  'tenant-not-found',
  'internal-error',
];

test.each(plans)('$name is asked as its route wants to be asked', async (plan) => {
  const { status, text } = await scene.send(await scene.draftFor(scene.mine, plan));

  const { code = '' } = JSON.parse(text) as { code?: string };
  const isServed = status < 300 || (status < 500 && !unasked.includes(code));
  expect(isServed ? 'served' : `${status} ${text}`).toBe('served');
});
