import pg from 'pg';
import { countTries } from '../../support/isolation-tries.ts';
import { createTestDatabase } from '../../support/test-database.ts';
import { addTenant, connect } from './open.ts';
import { createRowFactory, insertText, type Row } from './row-factory.ts';
import { readTenantTables, type TenantTable } from './tenant-tables.ts';

/** SQLSTATE of what row-level security or a missing right refuses. */
export const refused = '42501';

type Scene = Awaited<ReturnType<typeof openTwoTenants>>;
export type Stage = Awaited<ReturnType<Scene['setUp']>>;

/** A database with two tenants, and the app's own login to try the wall between them with. */
export async function openTwoTenants() {
  const tries = countTries('matrix');
  const database = await createTestDatabase();
  const admin = await connect(database.admin);
  const app = await connect(database.app);
  const mine = await addTenant(admin, 'tenant-a');
  const other = await addTenant(admin, 'tenant-b');
  const tables = await readTenantTables(admin);
  const factory = createRowFactory(admin, tables);

  /** Runs in a transaction of the tenant, and commits; a refusal is answered as its SQLSTATE. */
  async function as<T>(tenant: string | undefined, work: () => Promise<T>): Promise<T | string> {
    await app.query('begin');
    try {
      if (tenant) await app.query('select app.set_tenant($1)', [tenant]);
      const result = await work();
      await app.query('commit');
      const isSeen = tenant !== other && Array.isArray(result) && result.includes(other);
      tries.count(isSeen ? `${tenant} saw a row of ${other}` : undefined);
      return result;
    } catch (error) {
      await app.query('rollback');
      tries.count(undefined);
      if (error instanceof pg.DatabaseError && error.code) return error.code;
      throw error;
    }
  }

  /** The tenants of the rows that a select finds. */
  async function ownersOf(text: string, values: readonly unknown[] = []): Promise<string[]> {
    // Two statements in one message have two results; the rows are in the last.
    const results = [await app.query(text, values.length > 0 ? [...values] : undefined)].flat();
    return results.at(-1)?.rows.map((row) => row.tenant_id) ?? [];
  }

  /** How many rows a statement concerned. */
  async function countOf(text: string, values: readonly unknown[] = []): Promise<number> {
    return (await app.query(text, [...values])).rowCount ?? 0;
  }

  /** Everything that a tenant has, in all tables, as text. */
  async function bytesOf(tenant: string): Promise<string> {
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await admin.query(
        `select t::text as text from ${name} t where tenant_id = $1 order by 1`,
        [tenant],
      );
      texts.push(name, ...rows.map(({ text }) => text));
    }
    return texts.join('\n');
  }

  /** Gives each tenant rows of the table: the own one two, the other three. */
  async function setUp(table: TenantTable) {
    const { name } = table;
    const own = await factory.store(name, mine);
    await factory.store(name, mine);
    const foreign = await factory.store(name, other);
    await factory.store(name, other);
    await factory.store(name, other);
    const foreignDraft = await factory.draft(name, other);
    return { own, foreign, foreignDraft, before: await bytesOf(other) };
  }

  /** What the tests say about one table. */
  function about({ name, primaryKey, columns, rights }: TenantTable) {
    // Any column will do that is not part of what tells the row.
    const plain = columns.find((column) => !primaryKey.includes(column.name))?.name;
    const keyOf = (row: Row) => primaryKey.map((column) => row[column]);
    return {
      can: (...wanted: string[]) => wanted.every((right) => rights.includes(right)),
      draft: () => factory.draft(name, mine),
      store: (row: Row, ending = '') =>
        countOf(`${insertText(name, row)} ${ending}`, Object.values(row)),
      touch: `update ${name} set ${plain} = ${plain}`,
      plain,
      where: `where ${primaryKey.map((column, index) => `${column} = $${index + 1}`).join(' and ')}`,
      keyOf,
      /** The tenants of the rows that there are, as a superuser sees them. */
      async ownersIn(tenant?: string): Promise<string[]> {
        const { rows } = await admin.query(
          `select tenant_id from ${name} where $1::uuid is null or tenant_id = $1`,
          [tenant],
        );
        return rows.map((row) => row.tenant_id);
      },
    };
  }

  async function close(): Promise<void> {
    await Promise.all([admin.end(), app.end()]);
    await database.drop();
  }

  return {
    adminUrl: database.admin,
    tries,
    app,
    mine,
    other,
    tables,
    factory,
    as,
    ownersOf,
    countOf,
    bytesOf,
    setUp,
    about,
    close,
  };
}
