import { z } from 'zod';
import { sections, settings, unknownObjects } from './schema-dump-queries.ts';
import { unqualify } from './schema-dump-view.ts';

/** A client or a pool; not inside a transaction of the caller's, whose settings it would change. */
type Queryable = { query(text: string): Promise<unknown> };

const Results = z.array(z.object({ rows: z.array(z.object({ statement: z.string() })) }));

const header = `-- The schema of a Kassa database, without rows. Made from migrations/; do not edit.
-- Made by: npm run schema:dump
-- To load it, the roles that it grants to must exist.`;

/**
 * The schema as SQL text: equal for equal schemas on PostgreSQL 15 to 18, and loadable into an
 * empty database. Read from the catalogue, because there is no pg_dump among the binaries that npm
 * installs, and that of another version refuses to work. What it cannot write, it refuses.
 */
export async function dumpSchema(client: Queryable): Promise<string> {
  const queries = [unknownObjects, ...sections.map(({ query }) => query)];
  // One message is one transaction: one state of the catalogue, and the settings end with it.
  const results = Results.parse(await client.query([...settings, ...queries].join(';\n')));
  const [unknown, ...found] = results.slice(settings.length).map(({ rows }) => rows);
  if (unknown === undefined || unknown.length > 0) {
    const names = unknown?.map(({ statement }) => statement).join(', ');
    throw new Error(`The schema dump does not know how to write: ${names}`);
  }
  const parts = sections.flatMap(({ title }, index) => {
    const statements = found[index] ?? [];
    if (statements.length === 0) return [];
    const written = statements.map(title === 'Views' ? writeView : writeStatement);
    // Short statements stand as a list, long ones apart.
    const isList = written.every((each) => !each.includes('\n'));
    return [`-- ${title}`, written.join(isList ? '\n' : '\n\n')];
  });
  const text = [
    header,
    'set check_function_bodies = off; -- they may name tables that come later',
    ...parts,
    'reset check_function_bodies;',
  ];
  return `${text.join('\n\n')}\n`;
}

function writeStatement({ statement }: { statement: string }): string {
  return `${statement};`;
}

function writeView({ statement }: { statement: string }): string {
  const head = statement.indexOf('\n');
  return `${statement.slice(0, head)}${unqualify(statement.slice(head))};`;
}
