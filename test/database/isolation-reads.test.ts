import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTwoTenants, refused, type Stage } from './support/two-tenants.ts';

/*
 * Every way to read across the wall between tenants, tried on every table that has one. The tables
 * come from the catalogue and their rows from the row factory, so that a table which a later
 * migration adds is tried from its first day.
 */
const scene = await openTwoTenants();
const { app, mine, other, as, ownersOf, countOf } = scene;

afterAll(scene.close);

test('the tables are those of the catalogue', () => {
  const names = scene.tables.map(({ name }) => name);

  expect(names).toEqual(expect.arrayContaining(['orders', 'payments', 'customers', 'outbox']));
});

describe.each(scene.tables)('in $name', (table) => {
  const { name } = table;
  const { can, draft, store, touch, where, keyOf, ownersIn } = scene.about(table);
  const select = `select tenant_id from ${name}`;
  let stage: Stage;

  beforeAll(async () => {
    stage = await scene.setUp(table);
  });

  test.each<[string, string, unknown[]?]>([
    ['a plain select', select],
    ['a condition that always holds', `${select} where $1 or true`, [false]],
    ['a list of both tenants', `${select} where tenant_id in ($1, $2)`, [mine, other]],
    ['one or the other', `${select} where tenant_id = $1 or tenant_id <> $1`, [mine]],
    ['a subselect', `select tenant_id from (select * from ${name} offset 0) hidden`],
    [
      'a union',
      `${select} where tenant_id = '${mine}' union all ${select} where tenant_id <> '${mine}'`,
    ],
    ['a cursor', `declare c no scroll cursor for ${select}; fetch all from c`],
  ])('%s shows own rows only', async (_, text, values) => {
    const expected = can('SELECT') ? await ownersIn(mine) : refused;

    expect(await as(mine, () => ownersOf(text, values))).toEqual(expected);
  });

  test.each<[string, string, unknown[]?]>([
    ['by its tenant', `${select} where tenant_id = $1`, [other]],
    ['by not being mine', `${select} where tenant_id <> $1`, [mine]],
    [
      'by existence',
      `select $1::uuid as tenant_id where exists (${select} where tenant_id = $1::uuid)`,
      [other],
    ],
    ['by a join', `select b.tenant_id from ${name} a join ${name} b on a.tenant_id <> b.tenant_id`],
  ])('no row of another tenant is found %s', async (_, text, values) => {
    expect(await as(mine, () => ownersOf(text, values))).toEqual(can('SELECT') ? [] : refused);
  });

  test('no row of another tenant is found, or locked, by its key', async () => {
    const key = keyOf(stage.foreign);

    const found = await as(mine, () => ownersOf(`${select} ${where}`, key));
    const locked = await as(mine, () => ownersOf(`${select} ${where} for update`, key));

    expect(found).toEqual(can('SELECT') ? [] : refused);
    expect(locked).toEqual(can('SELECT', 'UPDATE') ? [] : refused);
  });

  test('a count counts own rows', async () => {
    const expected = (await ownersIn(mine)).length;

    const counted = await as(mine, async () => {
      const { rows } = await app.query(`select count(*)::int as count from ${name}`);
      return rows[0].count;
    });

    expect(counted).toBe(can('SELECT') ? expected : refused);
  });

  test.each([name, `(select * from ${name})`])(
    'copy %s takes own rows out only',
    async (source) => {
      const expected = (await ownersIn(mine)).length;

      const copied = await as(mine, () => countOf(`copy ${source} to stdout`));

      expect(copied).toBe(can('SELECT') ? expected : refused);
    },
  );

  test('the policies cannot be switched off', async () => {
    const read = await as(mine, async () => {
      await app.query('set local row_security = off');
      return ownersOf(select);
    });

    expect(read).toBe(refused);
  });

  test.each([
    ['was never set', async () => undefined],
    ['is empty', async () => void (await app.query(`set local app.tenant_id = ''`))],
    ['was rolled back', () => endOwn('rollback')],
    ['was committed', () => endOwn('commit')],
  ])('where the tenant %s there is nothing', async (_, prepare) => {
    const row = await draft();
    const then = <T>(work: () => Promise<T>) => as(undefined, () => prepare().then(work));

    expect(await then(() => ownersOf(select))).toEqual(can('SELECT') ? [] : refused);
    expect(await then(() => store(row))).toBe(refused);
    expect(await then(() => countOf(touch))).toBe(can('SELECT', 'UPDATE') ? 0 : refused);
  });

  test('a plan that one tenant left behind shows the next one its own rows', async () => {
    const statement = { name: `read-${name}`, text: select };
    const read = async () => (await app.query(statement)).rows.map((row) => row.tenant_id);
    await app.query('set plan_cache_mode = force_generic_plan');

    for (const tenant of [mine, other, undefined, mine]) {
      const expected = tenant ? await ownersIn(tenant) : [];
      expect(await as(tenant, read)).toEqual(can('SELECT') ? expected : refused);
    }
    await app.query('reset plan_cache_mode');
  });

  test('and the rows of the other tenant are, byte for byte, what they were', async () => {
    expect(await scene.bytesOf(other)).toBe(stage.before);
  });
});

/** Leaves a transaction of the tenant behind and starts one without. */
async function endOwn(ending: 'commit' | 'rollback'): Promise<undefined> {
  await app.query('select app.set_tenant($1)', [mine]);
  await app.query(ending);
  await app.query('begin');
}
