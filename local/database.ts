import pg from 'pg';
import { migrate } from '../src/db/migrate.ts';

export type DatabaseUrls = {
  readonly owner: string;
  readonly app: string;
  readonly platform: string;
  readonly worker: string;
};

type DatabaseOptions = {
  /** A superuser's login to any database of the server. */
  readonly adminUrl: string;
  readonly name: string;
  /** Of all four logins; they belong to a server that nobody else uses. */
  readonly password: string;
};

const logins = { app: 'kassa_app', platform: 'kassa_platform', worker: 'kassa_worker' } as const;

/** Makes a database with its owner when there is none, migrates it, and opens its logins. */
export async function setUpDatabase(options: DatabaseOptions): Promise<DatabaseUrls> {
  const { adminUrl, name, password } = options;
  const urls = urlsOf(options);
  await withAdmin(adminUrl, async (admin) => {
    await makeOwner(admin, password);
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) {
      await admin.query(`create database ${pg.escapeIdentifier(name)} owner kassa_owner`);
    }
  });
  await migrate({ ownerUrl: urls.owner });
  await withAdmin(adminUrl, async (admin) => {
    for (const login of Object.values(logins)) {
      await admin.query(`alter role ${login} login password ${pg.escapeLiteral(password)}`);
    }
  });
  return urls;
}

/** Copies a database that nobody is connected to: a migrated one in tens of milliseconds. */
export async function cloneDatabase(
  options: DatabaseOptions,
  template: string,
): Promise<DatabaseUrls> {
  const name = pg.escapeIdentifier(options.name);
  await withAdmin(options.adminUrl, async (admin) => {
    await admin.query(
      `create database ${name} template ${pg.escapeIdentifier(template)} owner kassa_owner`,
    );
    // Rights on a database itself are not part of what a template hands on.
    await admin.query(`grant create on database ${name} to kassa_worker`);
  });
  return urlsOf(options);
}

/** Removes a database, with whoever still is connected. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withAdmin(adminUrl, (admin) =>
    admin.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
  );
}

async function makeOwner(admin: pg.Client, password: string): Promise<void> {
  // Not a superuser: the migrations must run where we are not one, as on a hosted server.
  await admin.query(`do $$ begin
    if not exists (select from pg_roles where rolname = 'kassa_owner') then
      create role kassa_owner login createrole createdb;
    end if;
  exception when duplicate_object or unique_violation then null;
  end $$`);
  await admin.query(`alter role kassa_owner login password ${pg.escapeLiteral(password)}`);
}

function urlsOf({ adminUrl, name, password }: DatabaseOptions): DatabaseUrls {
  const urlOf = (login: string) => {
    const url = new URL(adminUrl);
    url.username = login;
    url.password = password;
    url.pathname = `/${name}`;
    return url.href;
  };
  return {
    owner: urlOf('kassa_owner'),
    app: urlOf(logins.app),
    platform: urlOf(logins.platform),
    worker: urlOf(logins.worker),
  };
}

async function withAdmin<T>(adminUrl: string, use: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl });
  // A connection that breaks fails its query; without a listener it would end the process too.
  admin.on('error', () => {});
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.end();
  }
}
