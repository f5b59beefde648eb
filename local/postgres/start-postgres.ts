import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { findBinaries, locatePackage } from './binaries.ts';
import { removeTree } from './folders.ts';
import { ensureData, type Mode, removeHalfMade } from './initdb.ts';
import { findData, settle } from './place.ts';
import { isFree, portTaken } from './port.ts';
import { disownPidFile, findPostmaster, stopPostmaster } from './postmaster.ts';
import { isRunning } from './process.ts';
import { AlreadyRunning, type Claim, claim, findLauncher } from './record.ts';
import { relocationOf } from './relocation.ts';
import { launch, type Server } from './server.ts';

export type PostgresOptions = {
  /** Where the data is kept; made when absent. Where root runs us it can become a link. */
  readonly dataDir: string;
  /** 0 or nothing: any free one. */
  readonly port?: number;
  /** durable: nothing is lost in a crash of the machine. fast: for data that can be made again. */
  readonly mode: Mode;
  /** For new data it becomes the password of `postgres`; for old data it must be the same again. */
  readonly superuserPassword: string;
  /** Path of the server's log, otherwise beside the data. */
  readonly log?: string;
};

/**
 * Runs a real PostgreSQL on 127.0.0.1 from the binaries that npm installed. Whoever starts it must
 * stop it: there are no exit hooks. A server whose launcher was killed is stopped by the next start.
 */
export async function startPostgres(options: PostgresOptions): Promise<Server> {
  const { dataDir: named, port = 0, mode, superuserPassword } = options;
  const dataDir = resolve(named);
  const installed = await locatePackage();
  await refuseIfBusy(dataDir, port);

  const place = await settle(dataDir);
  const binaries = await findBinaries(place.account, installed);
  const held = await claim(place.dir);
  try {
    await endAbandonedServer(place.dir, held);
    await ensureData({ place, binaries, mode, superuserPassword });
    await disownPidFile(place.dir);
    const log = resolve(options.log ?? `${dataDir}.log`);
    const server = await launch({ binaries, place, port, mode, superuserPassword, log });
    const stop = () => server.stop().finally(() => held.release());
    return { ...server, stop };
  } catch (error) {
    await held.release();
    throw error;
  }
}

/** Removes the data and all that belongs to it, with a server whose launcher was killed. */
export async function removePostgres(named: string): Promise<void> {
  const dataDir = resolve(named);
  const dir = (await findData(dataDir)) ?? dataDir;
  if (!existsSync(dirname(dir))) return removeTree(dataDir); // at most a link to nowhere
  const held = await claim(dir);
  try {
    await endAbandonedServer(dir, held);
    await removeHalfMade(dir);
    const relocation = relocationOf(dir);
    if (relocation) await removeTree(relocation);
    await removeTree(dataDir);
    await rm(`${dataDir}.log`, { force: true });
  } finally {
    await held.release();
  }
}

/** Looks, and touches nothing: a refused start leaves all as it was. */
async function refuseIfBusy(dataDir: string, port: number): Promise<void> {
  const dir = (await findData(dataDir)) ?? dataDir;
  const launcher = await findLauncher(dir);
  if (launcher && (await isRunning(launcher))) throw new AlreadyRunning(dir, launcher.pid);
  const left = await findPostmaster(dir);
  // The port of an abandoned server becomes free when it is stopped.
  if (port === 0 || port === left?.port || (await isFree(port))) return;
  throw portTaken(port);
}

async function endAbandonedServer(dir: string, held: Claim): Promise<void> {
  const left = await findPostmaster(dir);
  if (!left) return;
  if (held.isInherited) return stopPostmaster(left);
  throw new Error(
    `A PostgreSQL that Kassa did not start (process ${left.pid}) runs on ${dir}. ` +
      `Stop it first: kill -INT ${left.pid}`,
  );
}
