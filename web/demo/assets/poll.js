// @ts-check

const quickMs = 2_000;
const slowMs = 10_000;
const quickForMs = 60_000;

/**
 * Looks again and again until the answer is `done`: often in the first minute, then seldom, and
 * never while nobody can see the page. Who comes back to it, say from a banking app, or online
 * again, gets an answer at once.
 *
 * @param {() => Promise<'again' | 'done'>} look
 */
export function poll(look) {
  let quickUntil = 0;
  let isLooking = false;
  let isDone = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function step() {
    clearTimeout(timer);
    if (isLooking || isDone || document.hidden) return;
    isLooking = true;
    isDone = (await look()) === 'done';
    isLooking = false;
    if (isDone || document.hidden) return;
    timer = setTimeout(step, performance.now() < quickUntil ? quickMs : slowMs);
  }

  function hurry() {
    quickUntil = performance.now() + quickForMs;
    void step();
  }

  document.addEventListener('visibilitychange', hurry);
  addEventListener('online', hurry);
  hurry();
}
