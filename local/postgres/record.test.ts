import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { identify } from './process.ts';
import { claim, findLauncher } from './record.ts';
import { createBench, kill } from './test-kit.ts';

const bench = createBench();
afterEach(bench.end);

test('a claim is held by one at a time and can be had again after its release', async () => {
  const dir = join(await bench.folder(), 'postgres');

  const first = await claim(dir);
  await expect(claim(dir)).rejects.toThrow('already runs');
  await first.release();
  const second = await claim(dir);

  expect([first.isInherited, second.isInherited]).toEqual([false, false]);
  expect(await findLauncher(dir)).toEqual(await identify(process.pid));
});

test('of many heirs of a dead launcher exactly one gets the claim', async () => {
  const folder = await bench.folder();
  const dir = join(folder, 'postgres');
  const dead = await bench.bystander(undefined);
  const record = JSON.stringify(await identify(dead.pid ?? 0));
  await kill(dead);
  await writeFile(`${dir}.launcher.json`, record);

  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => claim(dir)));

  const winners = outcomes.filter((each) => each.status === 'fulfilled');
  expect(winners.map((each) => each.value.isInherited)).toEqual([true]);
  expect(await readdir(folder)).toEqual(['postgres.launcher.json']);
});

test('a record cut short by a crash counts as that of a dead launcher', async () => {
  const dir = join(await bench.folder(), 'postgres');
  await writeFile(`${dir}.launcher.json`, '{"pid":1');

  expect((await claim(dir)).isInherited).toBe(true);
});
