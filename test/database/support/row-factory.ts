import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Check, Column, ForeignKey, TenantTable } from './tenant-tables.ts';

/** A row as its columns were given; columns left to their defaults are absent. */
export type Row = Readonly<Record<string, unknown>>;

/** Leaves a column to its default, or to NULL. */
const absent = Symbol('absent');

const maxTries = 2_000;

/**
 * Makes valid rows of any tenant table from what the catalogue says of it. A value that a check
 * refuses is replaced by the next candidate for its columns until the table takes the row, so a
 * new table needs no code here; one whose row cannot be found fails by name.
 */
export function createRowFactory(admin: pg.Client, tables: readonly TenantTable[]) {
  /** Stores a row, and the rows that it refers to; answers it as stored. */
  async function store(tableName: string, tenantId: string): Promise<Row> {
    return (await insert(tableName, tenantId, 'commit')).stored;
  }

  /** A row that the table would take now, with the rows that it refers to in place. */
  async function draft(tableName: string, tenantId: string): Promise<Row> {
    return (await insert(tableName, tenantId, 'rollback')).given;
  }

  async function insert(tableName: string, tenantId: string, ending: Ending) {
    const table = tables.find(({ name }) => name === tableName);
    if (!table) throw new Error(`The row factory knows no table ${tableName} with a tenant_id.`);
    const search = searchRow(table, await parentsOf(table, tenantId));
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const given = search.row();
      const { stored, refusal } = await attempt(table, given, ending);
      if (stored) return { given, stored };
      const columns = columnsAtFault(table, refusal);
      if (!columns || !search.advance(columns)) throw unmakeable(table, refusal);
    }
    throw unmakeable(table, new Error(`${maxTries} tries were not enough`));
  }

  async function attempt({ name }: TenantTable, row: Row, ending: Ending): Promise<Outcome> {
    await admin.query('begin');
    try {
      const text = `${insertText(name, row)} returning *`;
      const { rows } = await admin.query<Row>(text, Object.values(row));
      await admin.query(ending);
      return { stored: rows[0] ?? {} };
    } catch (refusal) {
      await admin.query('rollback');
      if (refusal instanceof pg.DatabaseError) return { refusal };
      throw refusal;
    }
  }

  /** The columns that the foreign keys prescribe, from rows made for the purpose. */
  async function parentsOf(table: TenantTable, tenantId: string): Promise<Row> {
    const given: Record<string, unknown> = { tenant_id: tenantId };
    for (const { table: parent, columns, referenced } of table.foreignKeys) {
      // A row that refers to its own table refers to nothing, or fails loudly where it must.
      if (parent === 'tenants' || parent === table.name) continue;
      const row = tables.some(({ name }) => name === parent)
        ? await store(parent, tenantId)
        : (await admin.query<Row>(`select * from ${parent} limit 1`)).rows[0];
      columns.forEach((column, index) => {
        given[column] = row?.[referenced[index] ?? ''];
      });
    }
    return given;
  }

  return { store, draft };
}

type Ending = 'commit' | 'rollback';
type Outcome =
  | { readonly stored: Row; readonly refusal?: undefined }
  | { readonly refusal: pg.DatabaseError; readonly stored?: undefined };

export function insertText(tableName: string, row: Row): string {
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  return `insert into ${tableName} (${names.join(', ')}) values (${places.join(', ')})`;
}

/** A row under search: for each column its candidates, and which of them is tried now. */
function searchRow(table: TenantTable, given: Row) {
  const candidates = new Map(
    table.columns
      .filter(({ name }) => !(name in given))
      .map((column) => [column.name, candidatesFor(table, column)]),
  );
  const position = new Map<string, number>();

  function row(): Row {
    const chosen = [...candidates].map(([name, values]) => [name, values[position.get(name) ?? 0]]);
    const entries = [...Object.entries(given), ...chosen];
    return Object.fromEntries(entries.filter(([, value]) => value !== absent));
  }

  /**
   * On to the next combination of all columns that were at fault so far, like an odometer; false
   * when every one was tried.
   */
  function advance(columns: readonly string[]): boolean {
    for (const name of columns) position.set(name, position.get(name) ?? 0);
    for (const [name, at] of position) {
      const next = (at + 1) % (candidates.get(name)?.length ?? 1);
      position.set(name, next);
      if (next > 0) return true;
    }
    return false;
  }

  return { row, advance };
}

function candidatesFor(table: TenantTable, column: Column): readonly unknown[] {
  const values = valuesOf(table, column);
  const isOptional = column.isNullable || column.hasDefault;
  return isOptional ? [absent, ...values] : values;
}

function valuesOf({ name: tableName, checks }: TenantTable, { name, type }: Column) {
  const word = `w${randomBytes(6).toString('hex')}`;
  const number = randomInt(10, 1_000_000);
  switch (type) {
    case 'uuid':
      return [randomUUID()];
    case 'text':
    case 'character varying':
      return [word, ...literalsIn(checks, name), 'IDR', '2026-01', `https://${word}.example/`];
    case 'smallint':
    case 'integer':
    case 'bigint':
      return [type === 'smallint' ? number % 1_000 : number, 1, 0, 100];
    case 'boolean':
      return [false, true];
    case 'bytea':
      return [randomBytes(32)];
    case 'date':
      // The last two: some tables want their dates in order.
      return [
        `20${randomInt(10, 99)}-0${randomInt(1, 9)}-${randomInt(10, 28)}`,
        '2001-01-01',
        '2100-01-01',
      ];
    case 'timestamp with time zone':
      return [new Date(randomInt(1_700_000_000, 1_900_000_000) * 1_000)];
    case 'jsonb':
    case 'json':
      return ['{}', '[]', '""'];
    case 'inet':
      return ['192.0.2.1'];
    case 'text[]':
    case 'uuid[]':
      return ['{}', `{${type === 'uuid[]' ? randomUUID() : word}}`];
    default:
      throw new Error(`The row factory has no value for ${tableName}.${name}, of type ${type}.`);
  }
}

/** The texts that the column's checks name, such as its known states. */
function literalsIn(checks: readonly Check[], column: string): readonly string[] {
  return checks
    .filter(({ columns }) => columns.includes(column))
    .flatMap(({ text }) => [...text.matchAll(/'((?:[^']|'')*)'::text/g)])
    .map(([, literal = '']) => literal.replaceAll("''", "'"));
}

function columnsAtFault(table: TenantTable, refusal: pg.DatabaseError) {
  const { constraint, column, code } = refusal;
  if (code === '23502' && column) return [column];
  // Of what was varied so far another combination may be outside of a partial unique index.
  if (code === '23505') return [];
  const known: readonly (Check | ForeignKey)[] = [...table.checks, ...table.foreignKeys];
  return known.find(({ name }) => name === constraint)?.columns;
}

function unmakeable(table: TenantTable, cause: Error): Error {
  return new Error(`The row factory cannot make a row of ${table.name}: ${cause.message}`, {
    cause,
  });
}
