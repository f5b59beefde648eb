import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { identify, isRunning, run, signal } from './process.ts';
import { createBench } from './test-kit.ts';

const bench = createBench();
afterEach(bench.end);

test('a program that is missing or may not run is a rejection that names it', async () => {
  await expect(run('/nowhere/initdb', [])).rejects.toThrow('/nowhere/initdb');
  await expect(run('/etc/passwd', [])).rejects.toThrow(/\/etc\/passwd.*EACCES/);
});

test('programs see nothing of our environment', async () => {
  vi.stubEnv('PGDATA', '/elsewhere');

  const { output } = await run('/usr/bin/env', []);

  expect(output).not.toContain('PGDATA');
  vi.unstubAllEnvs();
});

test('a process that only inherited a pid is neither believed nor signalled', async () => {
  const bystander = await bench.bystander(undefined);
  const former = { pid: bystander.pid ?? 0, startedAt: 'long ago' };

  await signal(former, 'SIGKILL');

  expect(await isRunning(former)).toBe(false);
  expect(await identify(former.pid)).toBeDefined();
});

test('a process that has ended but was not waited for counts as ended', async () => {
  // The shell becomes a program that never waits for the child it got along.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], { detached: true });
  const [line] = await once(parent.stdout, 'data');

  await vi.waitFor(async () => expect(await identify(Number(line))).toBeUndefined());

  parent.kill('SIGKILL');
});
