import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseAccount } from '../../local/postgres/account.ts';
import { chooseFreePort } from '../../local/postgres/port.ts';
import { run } from '../../local/postgres/process.ts';

export type OtherPostgres = { readonly adminUrl: string; stop(): Promise<void> };

/**
 * A new, empty server of another major version than ours, from Debian's packages; undefined where
 * none is installed.
 */
export async function startOtherPostgres(): Promise<OtherPostgres | undefined> {
  const versions = await readdir('/usr/lib/postgresql').catch((): string[] => []);
  const [oldest] = versions.filter((version) => version !== '18').sort();
  if (!oldest) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'kassa-other-postgres-'));
  await chmod(folder, 0o755); // root's server runs as somebody else
  const dataDir = join(folder, 'data');
  const account = await chooseAccount(undefined);
  await mkdir(dataDir, { mode: 0o700 });
  if (account) await chown(dataDir, account.uid, account.gid);
  const call = async (program: string, ...args: string[]) => {
    const path = join('/usr/lib/postgresql', oldest, 'bin', program);
    const { code, output } = await run(path, args, account);
    if (code !== 0) throw new Error(`${program} failed: ${output}`);
  };

  const port = await chooseFreePort();
  await call('initdb', '-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync');
  const options = `-F -c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
  await call('pg_ctl', '-D', dataDir, '-w', '-l', join(dataDir, 'log'), '-o', options, 'start');
  return {
    adminUrl: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await call('pg_ctl', '-D', dataDir, '-w', '-m', 'fast', 'stop');
      await rm(folder, { recursive: true });
    },
  };
}
