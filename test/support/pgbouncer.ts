import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, chown, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { DatabaseUrls } from '../../local/database.ts';
import { chooseAccount } from '../../local/postgres/account.ts';
import { freePorts } from './ports.ts';

export type PgBouncer = {
  /** The app's login, by way of the pooler. */
  readonly app: string;
  stop(): Promise<void>;
};

const startMs = 10_000;
const places = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'];

/** Where Debian and others install it; undefined: it is not here. */
export async function findPgBouncer(): Promise<string | undefined> {
  for (const place of places) {
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  return undefined;
}

type Options = { readonly binary: string; readonly poolSize: number };

/** A real PgBouncer in transaction mode, with a folder of its own and that many connections. */
export async function startPgBouncer(
  { app }: DatabaseUrls,
  { binary, poolSize }: Options,
): Promise<PgBouncer> {
  const target = new URL(app);
  const [port = 0] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), 'kassa-pgbouncer-'));
  const configFile = join(folder, 'pgbouncer.ini');
  const usersFile = join(folder, 'users.txt');
  await writeFile(configFile, settingsOf(target, { port, poolSize, usersFile }));
  await writeFile(usersFile, `"${target.username}" "${target.password}"\n`);
  // It refuses to run as root, as PostgreSQL does.
  const account = await chooseAccount(undefined);
  for (const path of account ? [folder, configFile, usersFile] : []) {
    await chown(path, account?.uid ?? 0, account?.gid ?? 0);
  }
  await chmod(usersFile, 0o600);
  const child = spawn(binary, [configFile], { ...account, stdio: ['ignore', 'ignore', 'pipe'] });
  const url = new URL(target.href);
  url.host = `127.0.0.1:${port}`;
  const stop = async () => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answers(url.href, child);
    return { app: url.href, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Settings = { readonly port: number; readonly poolSize: number; readonly usersFile: string };

function settingsOf({ hostname, port, pathname }: URL, settings: Settings): string {
  const name = pathname.slice(1);
  // PgBouncer hands no start-up settings on, so that the limits of `db/pools.ts` are given here.
  const limits =
    'set statement_timeout = 15000; set lock_timeout = 10000; ' +
    'set idle_in_transaction_session_timeout = 15000';
  return `[databases]
${name} = host=${hostname} port=${port || 5432} dbname=${name} connect_query='${limits}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${settings.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${settings.usersFile}
pool_mode = transaction
default_pool_size = ${settings.poolSize}
max_client_conn = 100
ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout
server_login_retry = 1
`;
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  let told = '';
  child.stderr?.on('data', (text) => {
    told += text;
  });
  for (const until = Date.now() + startMs; ; ) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
      return;
    } catch (cause) {
      if (child.exitCode === null && Date.now() < until) await sleep(50);
      else throw new Error(`PgBouncer does not answer:\n${told}`, { cause });
    } finally {
      await client.end().catch(() => {});
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGQUIT'); // at once, whoever is connected
  await exited;
}
