import { readdir, readFile } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../support/test-database.ts';
import { connect } from './support/open.ts';
import { readTenantTables } from './support/tenant-tables.ts';

// The policy is the wall, the predicate is the door: without it a statement reads every shard, and
// the policy alone stands between two tenants.
const folder = new URL('../../src/repositories/', import.meta.url);
const acrossTenants = [
  // The control plane looks for the tenant that a request is for.
  'tenants.ts',
  // Whoever verifies the audit log has to find all chains, also of tenants that are gone.
  'audit-chains.ts',
  // Keys are rotated, and secrets sealed, for all tenants in turn; one row goes by its own key.
  'key-inventory.ts',
  'sealed-values.ts',
  // The platform lists what its own staff may look at, in whatever tenants.
  'staff-grants.ts',
];

const database = await createTestDatabase();
const admin = await connect(database.admin);
const tables = (await readTenantTables(admin)).map(({ name }) => name);
const files = (await readdir(folder)).filter((file) => !acrossTenants.includes(file));

afterAll(async () => {
  await admin.end();
  await database.drop();
});

/** The SQL of a file: each template that begins as a statement does, with the file's own parts in it. */
async function statementsOf(file: string): Promise<string[]> {
  const source = await readFile(new URL(file, folder), 'utf8');
  const constants = source.matchAll(/^const (\w+) =\s+(?:`([^`]*)`|'([^'\n]*)');$/gm);
  const parts = new Map([...constants].map(([, name, text, word]) => [name, text ?? word ?? '']));
  return [...source.matchAll(/`([^`]*)`/g)]
    .map(([, text = '']) => withParts(text, parts).trim())
    .filter((text) => /^(?:select|insert|update|delete|with)\b/.test(text));
}

/** A part may hold other parts; what is no constant stays as it is. */
function withParts(text: string, parts: ReadonlyMap<string | undefined, string>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => {
    const part = parts.get(name);
    return part === undefined ? whole : withParts(part, parts);
  });
}

/** How often a statement reads or changes rows of a tenant table. */
function usesIn(statement: string): number {
  const names = [...statement.matchAll(/\b(?:from|join|update)\s+(\w+)/g)].map(([, name]) => name);
  return names.filter((name) => tables.includes(name ?? '')).length;
}

/** A table is joined by the tenant of another one, and the first of them by the caller's. */
function predicatesIn(statement: string): number {
  if (!/\btenant_id = \$1(?!\d)/.test(statement)) return 0;
  return [...statement.matchAll(/\btenant_id = (?:\$1(?!\d)|\w+\.tenant_id)/g)].length;
}

test.each(files)('every statement of %s names its tenant', async (file) => {
  for (const statement of await statementsOf(file)) {
    expect(predicatesIn(statement), statement).toBeGreaterThanOrEqual(usesIn(statement));
    const target = /^insert into (\S+)/.exec(statement)?.[1];
    // Those of the platform have no tenant to name.
    if (target === undefined || !tables.includes(target)) continue;
    expect(statement).toMatch(
      /^insert into \w+(?: as \w+)?\s+\(tenant_id,[^)]*\)\s+(?:values \(\$1[,)]|select )/,
    );
  }
});

test('the statements are found', async () => {
  const all = (await Promise.all(files.map(statementsOf))).flat();

  expect(all.length).toBeGreaterThan(40);
  expect(all.filter((statement) => usesIn(statement) > 0).length).toBeGreaterThan(30);
});

// A tenant that is set otherwise may outlive its transaction, or be another one in its middle.
test('nothing sets the tenant but app.set_tenant', async () => {
  const source = new URL('../../src/', import.meta.url);
  const paths = (await readdir(source, { recursive: true })).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  );
  const texts = await Promise.all(paths.map((path) => readFile(new URL(path, source), 'utf8')));

  const setters = paths.filter((_, at) => /app\.tenant_id|set_config\(/.test(texts[at] ?? ''));

  expect(setters).toEqual([]);
  expect(paths.length).toBeGreaterThan(50);
});
