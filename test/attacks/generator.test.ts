import { expect, test } from 'vitest';
import { plans } from './support/requests.ts';
import { openScene } from './support/scene.ts';

/*
 * The attacks change valid requests. A route for which none can be made would be attacked with
 * refused ones only, which proves little.
 */
const scene = await openScene();

test.each(plans)('$name is asked as its route wants to be asked', async (plan) => {
  const answer = await scene.send(scene.draftFor(scene.mine, plan));

  const isServed = answer.status < 300 || answer.status === 404 || answer.status === 409;
  expect({ isServed, status: answer.status, text: isServed ? '' : answer.text }).toEqual({
    isServed: true,
    status: answer.status,
    text: '',
  });
});
