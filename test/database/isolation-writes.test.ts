import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row } from './support/row-factory.ts';
import { openTwoTenants, refused, type Stage } from './support/two-tenants.ts';

/** Every way to write across the wall between tenants, tried on every table that has one. */
const scene = await openTwoTenants();
const { app, mine, other, as, countOf } = scene;

afterAll(scene.close);

describe.each(scene.tables)('in $name', (table) => {
  const { name, primaryKey } = table;
  const { can, draft, store, touch, plain, where, keyOf, ownersIn } = scene.about(table);
  const referring = table.foreignKeys.flatMap((key) => key.columns);
  const isGranted = can('SELECT', 'UPDATE');
  let stage: Stage;

  beforeAll(async () => {
    stage = await scene.setUp(table);
  });

  test('an own row can be stored where that is granted, and nowhere else', async () => {
    const row = await draft();

    expect(await as(mine, () => store(row))).toBe(can('INSERT') ? 1 : refused);
  });

  test('an own row may have the keys of another tenant, and learns nothing by that', async () => {
    const isFree = (column: string) => column !== 'tenant_id' && !referring.includes(column);
    const free = table.keyColumns.filter(isFree);
    const keys = Object.fromEntries(free.map((column) => [column, stage.foreign[column]]));
    const row = { ...(await draft()), ...keys };

    expect(await as(mine, () => store(row))).toBe(can('INSERT') ? 1 : refused);
  });

  test('no row can be stored for another tenant', async () => {
    const row = stage.foreignDraft;
    const names = Object.keys(row);
    const places = names.map((_, index) => `$${index + 1}`);
    const types = new Map(table.columns.map((column) => [column.name, column.type]));
    const typed = names.map((column, index) => `${places[index]}::${types.get(column)}`);
    const merge = `merge into ${name} t using (select 1) s on false
      when not matched then insert (${names}) values (${places})`;
    const select = `insert into ${name} (${names}) select ${typed}`;

    expect(await as(mine, () => store(row))).toBe(refused);
    expect(await as(mine, () => store(row, 'on conflict do nothing'))).toBe(refused);
    expect(await as(mine, () => countOf(select, Object.values(row)))).toBe(refused);
    expect(await as(mine, () => countOf(merge, Object.values(row)))).toBe(refused);
  });

  test('a stored key of another tenant cannot be met by a conflict', async () => {
    const { foreign } = stage;
    const conflict = `on conflict (${primaryKey})`;
    const change = `do update set ${plain} = excluded.${plain}`;

    expect(await as(mine, () => store(foreign, 'on conflict do nothing'))).toBe(refused);
    expect(await as(mine, () => store(foreign, `${conflict} do nothing`))).toBe(refused);
    expect(await as(mine, () => store(foreign, `${conflict} ${change}`))).toBe(refused);
  });

  test('of several rows none is stored when one is of another tenant', async () => {
    const own = await draft();
    const names = Object.keys(own);
    const both: Row[] = [own, { ...own, ...stage.foreignDraft }];
    const lists = both.map((_, at) =>
      names.map((__, index) => `$${at * names.length + index + 1}`),
    );
    const text = `insert into ${name} (${names}) values ${lists.map((list) => `(${list})`)}`;
    const values = both.flatMap((row) => names.map((column) => row[column]));
    const count = (await ownersIn()).length;

    expect(await as(mine, () => countOf(text, values))).toBe(refused);
    expect((await ownersIn()).length).toBe(count);
  });

  test('rows of another tenant cannot be copied into own ones', async () => {
    const names = table.columns.map((column) => column.name).join(', ');
    const text = `insert into ${name} (${names})
      select ${names.replace('tenant_id', `'${mine}'`)} from ${name} where tenant_id = '${other}'`;

    expect(await as(mine, () => countOf(text))).toBe(can('SELECT', 'INSERT') ? 0 : refused);
  });

  test('no row of another tenant is changed', async () => {
    const key = keyOf(stage.foreign);
    const count = (await ownersIn(mine)).length;
    const merge = `merge into ${name} t using (select 1) s on t.tenant_id = '${other}'
      when matched then update set ${plain} = t.${plain}`;

    expect(await as(mine, () => countOf(`${touch} ${where}`, key))).toBe(isGranted ? 0 : refused);
    expect(await as(mine, () => countOf(touch))).toBe(isGranted ? count : refused);
    expect(await as(mine, () => countOf(merge))).toBe(isGranted ? 0 : refused);
  });

  test('no own row can be given to another tenant', async () => {
    const give = `update ${name} set tenant_id = '${other}'`;
    const merge = `merge into ${name} t using (select 1) s on t.tenant_id = '${mine}'
      when matched then update set tenant_id = '${other}'`;

    expect(await as(mine, () => countOf(`${give} ${where}`, keyOf(stage.own)))).toBe(refused);
    expect(await as(mine, () => countOf(give))).toBe(refused);
    expect(await as(mine, () => countOf(merge))).toBe(refused);
  });

  test('no row of another tenant is deleted', async () => {
    const expected = can('SELECT', 'DELETE') ? 0 : refused;
    const all = `delete from ${name} where tenant_id <> '${mine}'`;

    const key = keyOf(stage.foreign);
    expect(await as(mine, () => countOf(`delete from ${name} ${where}`, key))).toBe(expected);
    expect(await as(mine, () => countOf(all))).toBe(expected);
    expect(await as(mine, () => countOf(`truncate ${name}`))).toBe(refused);
    expect(await as(mine, () => countOf(`truncate ${name} cascade`))).toBe(refused);
  });

  test('a reference to a row of another tenant fails as one to nothing does', async () => {
    for (const key of table.foreignKeys.filter((each) => each.table !== 'tenants')) {
      const pointed = key.columns.filter((column) => column !== 'tenant_id');
      const toTheirs = pointed.map((column) => [column, stage.foreign[column]]);
      const toNothing = pointed.map((column) => [column, randomUUID()]);
      const row = await draft();

      const theirs = await refusalOf({ ...row, ...Object.fromEntries(toTheirs) });
      const nothing = await refusalOf({ ...row, ...Object.fromEntries(toNothing) });

      expect(theirs).toEqual(nothing);
      expect(theirs?.code).toBe(can('INSERT') ? '23503' : refused);
    }
  });

  test('nothing comes in by copy', async () => {
    const copied = await as(mine, () => countOf(`copy ${name} from stdin`));

    expect(copied).toBe(can('INSERT') ? '0A000' : refused);
  });

  test('and the rows of the other tenant are, byte for byte, what they were', async () => {
    expect(await scene.bytesOf(other)).toBe(stage.before);
  });

  /** All that the app is told when a row is refused. */
  async function refusalOf(row: Row) {
    await app.query('begin');
    try {
      await app.query('select app.set_tenant($1)', [mine]);
      await store(row);
      return undefined;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      const { code, message, detail, hint, constraint } = error;
      return { code, message, detail, hint, constraint };
    } finally {
      await app.query('rollback');
    }
  }
});
