import { expect, test } from 'vitest';
import { createHealthService } from './health.ts';

test('however many ask at once, the database is asked once; who comes later asks again', async () => {
  const answers: ((isUp: boolean) => void)[] = [];
  const db = {
    withPlatform: <T>() =>
      new Promise<T>((resolve, reject) => {
        answers.push((isUp) => (isUp ? resolve(undefined as T) : reject(new Error('away'))));
      }),
  };
  const health = createHealthService({ db, version: '1' });

  const first = Promise.all([health.isDatabaseUp(), health.isDatabaseUp()]);
  answers[0]?.(false);
  expect(await first).toEqual([false, false]);
  const second = health.isDatabaseUp();
  answers[1]?.(true);

  expect(await second).toBe(true);
  expect(answers).toHaveLength(2);
});
