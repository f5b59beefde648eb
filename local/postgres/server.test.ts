import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { findBinaries, locatePackage } from './binaries.ts';
import { ensureData } from './initdb.ts';
import { settle } from './place.ts';
import { chooseFreePort } from './port.ts';
import { launch } from './server.ts';
import { createBench, query } from './test-kit.ts';

const bench = createBench();
afterEach(bench.end);

test('a free port that is lost before the server has it is replaced by another', async () => {
  const wanted = await prepare();
  const taken = await occupyPort();
  const offers = [taken, taken];

  const server = await launch(wanted, async () => offers.shift() ?? chooseFreePort());
  onTestFinished(server.stop);

  expect(offers).toEqual([]);
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a port that was asked for and is lost is named with its setting', async () => {
  const port = await occupyPort();

  const refused = launch({ ...(await prepare()), port });

  await expect(refused).rejects.toThrow(new RegExp(`Port ${port} .* POSTGRES_PORT`));
});

test('a server that ends at once is an error with the end of its log', async () => {
  const wanted = await prepare();
  await chmod(wanted.place.dir, 0o755);

  await expect(launch(wanted)).rejects.toThrow(/postgres\.log:\n.*has invalid permissions/s);
});

async function prepare() {
  const dataDir = join(await bench.folder(), 'postgres');
  const place = await settle(dataDir);
  const binaries = await findBinaries(place.account, await locatePackage());
  const common = { place, binaries, mode: 'fast', superuserPassword: 'secret' } as const;
  await ensureData(common);
  return { ...common, port: 0, log: `${dataDir}.log` };
}

async function occupyPort(): Promise<number> {
  const server: NetServer = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return address.port;
}
