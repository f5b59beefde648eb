import pg from 'pg';
import type { Target } from './crossing-verbs.ts';
import type { createRowFactory, Row } from './row-factory.ts';
import type { TenantTable } from './tenant-tables.ts';

type Factory = ReturnType<typeof createRowFactory>;
type Parties = { readonly table: TenantTable; readonly mine: string; readonly other: string };

/** Takes aim at one row of the other tenant; both have rows of the table. */
export async function aimAt(
  { factory }: { readonly factory: Factory },
  admin: pg.Client,
  { table, mine, other }: Parties,
): Promise<Target> {
  const { name, primaryKey, columns } = table;
  const plain = columns.find((column) => !primaryKey.includes(column.name))?.name;
  if (!plain) throw new Error(`${name} has only its key; a verb that changes it needs more.`);
  const draft = await factory.draft(name, other);

  async function keyOf(tenant: string): Promise<string> {
    const { rows } = await admin.query<Row>(
      `select ${primaryKey.map((column) => `${column}::text`)} from ${name}
        where tenant_id = $1 order by ${primaryKey} limit 1`,
      [tenant],
    );
    const [row] = rows;
    if (!row) throw new Error(`${name} has no row of ${tenant}.`);
    return primaryKey.map((column) => `${column} = ${literal(row[column])}`).join(' and ');
  }

  return {
    table: name,
    mine: literal(mine),
    other: literal(other),
    isForeign: await keyOf(other),
    isOwn: await keyOf(mine),
    plain,
    primaryKey: primaryKey.join(', '),
    columns: columns.map((column) => column.name).join(', '),
    foreignColumns: Object.keys(draft).join(', '),
    foreignValues: Object.values(draft).map(literal).join(', '),
  };
}

function literal(value: unknown): string {
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'`;
  return pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value));
}
