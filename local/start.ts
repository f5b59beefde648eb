import { mkdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../src/config.ts';
import { migrate } from '../src/db/migrate.ts';
import { type DatabaseUrls, setUpDatabase } from './database.ts';
import { endOfProcess, type Part, requireFreePort, startPart } from './parts.ts';
import { removePostgres, startPostgres } from './postgres/start-postgres.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { nameAtMidtrans, seedDemo } from './seed.ts';
import { readSettings, type Settings } from './settings.ts';
import { demoOf, describe } from './summary.ts';

type Stop = () => Promise<unknown>;

/** `npm start`: the whole of Kassa on one machine, with stand-ins for everybody outside of it. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { fresh: { type: 'boolean' }, watch: { type: 'boolean' } },
  });
  const environment = readEnvironment();
  const settings = readSettings(environment);
  const dir = resolve(settings.KASSA_DIR);
  const stops: Stop[] = [];
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  const asked = signalled();

  try {
    await requirePorts(settings);
    if (values.fresh) await wipe(dir);
    await mkdir(`${dir}/logs`, { recursive: true });
    const secrets = await loadSecrets(`${dir}/secrets.json`);
    const { urls: database, ended } = await openDatabase(settings, { dir, secrets, stops });
    // From here on the folder is ours: another start in it has been refused.
    const demoFile = `${dir}/demo.json`;
    stops.push(() => rm(demoFile, { force: true }));
    await rm(demoFile, { force: true });
    const keys = keysFor(environment, secrets);
    await writeEnvironment(`${dir}/env`, settings, { database, keys });
    const ours = { ...environment, ...keys };
    const { watch } = values;
    const parts = await startParts(settings, { dir, environment: ours, database, watch });
    stops.push(() => Promise.all(parts.map((part) => part.stop())));

    const midtransUrl = midtransBaseUrl(settings);
    if (midtransUrl) await nameAtMidtrans(midtransUrl, settings.PORT);
    const demo = demoOf({ settings, secrets, parts });
    await writeFile(demoFile, `${JSON.stringify(demo, undefined, 2)}\n`, { mode: 0o600 });
    process.stdout.write(describe(demo));
    const failure = await Promise.race([asked, ended, ...parts.map((part) => part.ended)]);
    if (failure !== undefined) throw new Error(failure);
  } finally {
    await stopAll();
  }
}

type Keys = {
  readonly SESSION_SECRET: string;
  readonly MASTER_KEYS?: string;
  readonly MASTER_KEY_FILE?: string;
};

/** Those of the environment, which a database that somebody brought may need, or the demo's own. */
function keysFor(environment: NodeJS.ProcessEnv, secrets: Secrets): Keys {
  const { MASTER_KEYS, MASTER_KEY_FILE } = environment;
  const session = { SESSION_SECRET: environment.SESSION_SECRET || secrets.sessionSecret };
  if (MASTER_KEYS) return { ...session, MASTER_KEYS };
  if (MASTER_KEY_FILE) return { ...session, MASTER_KEY_FILE };
  return { ...session, MASTER_KEYS: secrets.masterKeys };
}

type Access = { readonly database: DatabaseUrls; readonly keys: Keys };

/** What `npm run kassa` needs to work on the demo. */
async function writeEnvironment(file: string, settings: Settings, access: Access) {
  const { database, keys } = access;
  const lines = [
    `DATABASE_URL=${database.app}`,
    `DATABASE_PLATFORM_URL=${database.platform}`,
    `DATABASE_WORKER_URL=${database.worker}`,
    `PUBLIC_URL=http://localhost:${settings.PORT}`,
    `MIDTRANS_BASE_URL=${midtransBaseUrl(settings) ?? ''}`,
    ...Object.entries(keys).map(([name, value]) => `${name}=${value}`),
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
}

function midtransBaseUrl(settings: Settings): string | undefined {
  if (settings.MIDTRANS_EMULATOR === 'off') return undefined;
  return `http://127.0.0.1:${settings.MIDTRANS_EMULATOR_PORT}`;
}

async function wipe(dir: string): Promise<void> {
  await removePostgres(`${dir}/postgres`);
  await rm(dir, { recursive: true, force: true });
}

async function requirePorts(settings: Settings): Promise<void> {
  await requireFreePort(settings.PORT, 'PORT');
  if (settings.MIDTRANS_EMULATOR === 'on') {
    await requireFreePort(settings.MIDTRANS_EMULATOR_PORT, 'MIDTRANS_EMULATOR_PORT');
  }
  if (!settings.SMTP_URL) {
    await requireFreePort(settings.INBOX_PORT, 'INBOX_PORT');
    await requireFreePort(settings.INBOX_SMTP_PORT, 'INBOX_SMTP_PORT');
  }
}

type Opening = { readonly dir: string; readonly secrets: Secrets; readonly stops: Stop[] };

type Opened = {
  readonly urls: DatabaseUrls;
  /** Resolves with what to tell when a server of our own has ended by itself. */
  readonly ended: Promise<string>;
};

/** The database of the settings as it is, or one of our own in the data folder, with the demo's data. */
async function openDatabase(settings: Settings, opening: Opening): Promise<Opened> {
  const { DATABASE_URL, DATABASE_PLATFORM_URL, DATABASE_WORKER_URL, DATABASE_OWNER_URL } = settings;
  if (DATABASE_URL) {
    if (!DATABASE_PLATFORM_URL || !DATABASE_WORKER_URL || !DATABASE_OWNER_URL) {
      throw new Error(
        'With DATABASE_URL, set DATABASE_PLATFORM_URL, DATABASE_WORKER_URL and DATABASE_OWNER_URL too.',
      );
    }
    await migrate({ ownerUrl: DATABASE_OWNER_URL });
    const urls = {
      app: DATABASE_URL,
      platform: DATABASE_PLATFORM_URL,
      worker: DATABASE_WORKER_URL,
      owner: DATABASE_OWNER_URL,
    };
    return { urls, ended: new Promise(() => {}) };
  }
  const { dir, secrets, stops } = opening;
  const server = await startPostgres({
    dataDir: `${dir}/postgres`,
    port: settings.POSTGRES_PORT,
    mode: 'durable',
    superuserPassword: secrets.superuserPassword,
  });
  stops.push(() => server.stop());
  const password = secrets.databasePassword;
  const urls = await setUpDatabase({ adminUrl: server.url, name: 'kassa', password });
  await seedDemo({ ...secrets, platformUrl: urls.platform, port: settings.PORT });
  return {
    urls,
    ended: endOfProcess(server.pid, `The PostgreSQL ended; see ${dir}/postgres.log.`),
  };
}

type Starting = {
  readonly dir: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly database: DatabaseUrls;
  readonly watch: boolean | undefined;
};

async function startParts(settings: Settings, starting: Starting): Promise<Part[]> {
  const { dir, environment, database, watch } = starting;
  const midtransUrl = midtransBaseUrl(settings);
  const shared = {
    ...environment,
    DATABASE_URL: database.app,
    DATABASE_PLATFORM_URL: database.platform,
    DATABASE_WORKER_URL: database.worker,
    PORT: String(settings.PORT),
    PUBLIC_URL: environment.PUBLIC_URL || `http://localhost:${settings.PORT}`,
    SMTP_URL: settings.SMTP_URL || `smtp://127.0.0.1:${settings.INBOX_SMTP_PORT}`,
    MIDTRANS_EMULATOR_DATA: `${dir}/midtrans.sqlite`,
    INBOX_DATA: `${dir}/inbox.sqlite`,
    DEMO_MODE: 'true',
    ...(midtransUrl && { MIDTRANS_BASE_URL: midtransUrl }),
  };
  const nodeOptions = watch ? ['--watch'] : [];
  const wanted = [
    settings.MIDTRANS_EMULATOR === 'on' && {
      name: 'midtrans',
      entry: 'emulators/midtrans/server.ts',
    },
    !settings.SMTP_URL && { name: 'inbox', entry: 'emulators/inbox/server.ts' },
    { name: 'server', entry: 'src/server.ts', nodeOptions },
    { name: 'worker', entry: 'src/worker.ts', nodeOptions },
  ].filter((part) => part !== false);
  const started = await Promise.allSettled(
    wanted.map((part) =>
      startPart({ ...part, environment: shared, logFile: `${dir}/logs/${part.name}.log` }),
    ),
  );
  const running = started.filter((part) => part.status === 'fulfilled').map(({ value }) => value);
  const failed = started.find((part) => part.status === 'rejected');
  if (!failed) return running;
  await Promise.all(running.map((part) => part.stop()));
  throw failed.reason;
}

/** Resolves when somebody asks the demo to stop. */
function signalled(): Promise<undefined> {
  return new Promise((resolve) => {
    process.on('SIGINT', () => resolve(undefined));
    process.on('SIGTERM', () => resolve(undefined));
  });
}

try {
  await main();
  process.exit(0);
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
