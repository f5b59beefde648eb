/** One foreign row as a verb aims at it. All parts are SQL. */
export type Target = {
  readonly table: string;
  /** Of the tenant who tries, and of the one who owns the row: literals. */
  readonly mine: string;
  readonly other: string;
  /** A condition that only the foreign row meets. */
  readonly isForeign: string;
  readonly isOwn: string;
  /** A column outside of the primary key. */
  readonly plain: string;
  readonly primaryKey: string;
  readonly columns: string;
  /** The values of a row that the other tenant could store. */
  readonly foreignValues: string;
  /** The columns of those values. */
  readonly foreignColumns: string;
};

/** Statements that one transaction runs in turn. */
export type Verb = readonly [name: string, statements: (target: Target) => readonly string[]];

export const select = ({ table }: Target) => `select * from ${table}`;
const parallel = `select set_config(name, value, true) from (values
    ('parallel_setup_cost', '0'), ('parallel_tuple_cost', '0'), ('min_parallel_table_scan_size', '0'),
    ('max_parallel_workers_per_gather', '2'), ('debug_parallel_query', 'on'),
    ('force_parallel_mode', 'on')) as wanted (name, value) join pg_settings using (name)`;
const peek = `create or replace function pg_temp.peek(value text) returns boolean
  language plpgsql cost 0.0001 as $$ begin raise notice '%', value; return true; end $$`;

/** Ways to see a row. */
export const readers: readonly Verb[] = [
  ['everything', (t) => [`table ${t.table}`]],
  ['by its key', (t) => [`${select(t)} where ${t.isForeign}`]],
  ['locked', (t) => [`${select(t)} where ${t.isForeign} for update`]],
  ['locked but for keys', (t) => [`${select(t)} where ${t.isForeign} for no key update`]],
  ['locked with others', (t) => [`${select(t)} where ${t.isForeign} for share`]],
  ['its key locked', (t) => [`${select(t)} where ${t.isForeign} for key share`]],
  ['locked when free', (t) => [`${select(t)} where ${t.isForeign} for update skip locked`]],
  ['a condition that always holds', (t) => [`${select(t)} where ${t.isForeign} or true`]],
  ['a sample', (t) => [`${select(t)} tablesample system (100)`]],
  ['with its place', (t) => [`select ctid, xmin, tableoid, * from ${t.table}`]],
  ['of this table only', (t) => [`select * from only ${t.table}`]],
  ['as text', (t) => [`select each::text from ${t.table} each`]],
  ['as JSON', (t) => [`select json_agg(row_to_json(each)) from ${t.table} each`]],
  ['as a list', (t) => [`select array_agg(each::text) from ${t.table} each`]],
  [
    'lateral',
    (t) => [
      `select found.* from (values (${t.other}::uuid)) whose (id)
         cross join lateral (${select(t)} where tenant_id = whose.id) found`,
    ],
  ],
  ['a materialised part', (t) => [`with hidden as materialized (${select(t)}) table hidden`]],
  ['an inlined part', (t) => [`with hidden as not materialized (${select(t)}) table hidden`]],
  [
    'a recursive part',
    (t) => [
      `with recursive found (tenant_id, depth) as (
         select tenant_id, 1 from ${t.table}
         union select each.tenant_id, depth + 1 from ${t.table} each, found where depth < 3)
       table found`,
    ],
  ],
  ['a window', (t) => [`select *, count(*) over () from ${t.table}`]],
  ['what is left without mine', (t) => [`${select(t)} where tenant_id <> ${t.mine}`]],
  [
    'an outer join',
    (t) => [
      `select b.* from ${t.table} a full join ${t.table} b
         on a.tenant_id = b.tenant_id and a.tenant_id = ${t.mine}`,
    ],
  ],
  [
    'a scrolling cursor',
    (t) => [
      `declare reader scroll cursor for ${select(t)}`,
      'fetch last reader',
      'fetch all reader',
    ],
  ],
  [
    'a cursor backwards',
    (t) => [
      `declare reader scroll cursor for ${select(t)}`,
      'move forward all reader',
      'fetch backward all reader',
    ],
  ],
  ['in parallel', (t) => [parallel, select(t)]],
  [
    'added up in parallel',
    (t) => [parallel, `select string_agg(each::text, ' ') from ${t.table} each`],
  ],
  [
    'a block that tells',
    (t) => [
      `do $$ declare found text; begin
         for found in execute 'select each::text from ${t.table} each' loop
           raise notice '%', found;
         end loop; end $$`,
    ],
  ],
  [
    'a cheap function that tells',
    (t) => [peek, `${select(t)} each where pg_temp.peek(each::text)`],
  ],
  [
    'a function of rows',
    (t) => [
      `create function pg_temp.rows_of_${t.table}() returns setof ${t.table}
         language sql stable as 'select * from ${t.table}'`,
      `select * from pg_temp.rows_of_${t.table}()`,
      `drop function pg_temp.rows_of_${t.table}()`,
    ],
  ],
  [
    'a view of my own',
    (t) => [
      `create temp view viewer as ${select(t)}`,
      'select * from viewer',
      'drop view pg_temp.viewer',
    ],
  ],
  [
    'a table of my own',
    (t) => [`create temp table taken on commit drop as ${select(t)}`, 'table pg_temp.taken'],
  ],
  [
    'a prepared statement',
    (t) => [
      'deallocate all', // a transaction that is rolled back leaves its statements behind
      'set local plan_cache_mode = force_generic_plan',
      `prepare reader (uuid) as ${select(t)} where tenant_id = $1`,
      `execute reader (${t.other})`,
    ],
  ],
  [
    'a number that cannot be',
    (t) => [`${select(t)} each where (each::text)::integer = 1 and tenant_id <> ${t.mine}`],
  ],
  ['after a savepoint', (t) => ['savepoint here', select(t), 'rollback to here', select(t)]],
];

/** Ways to change, take, give away or remove a row. */
export const writers: readonly Verb[] = [
  [
    'changed by its key',
    (t) => [`update ${t.table} set ${t.plain} = ${t.plain} where ${t.isForeign}`],
  ],
  [
    'changed and shown',
    (t) => [`update ${t.table} set ${t.plain} = ${t.plain} where ${t.isForeign} returning *`],
  ],
  [
    'taken over',
    (t) => [`update ${t.table} set tenant_id = ${t.mine} where ${t.isForeign} returning *`],
  ],
  [
    'changed through a join',
    (t) => [
      `update ${t.table} each set ${t.plain} = each.${t.plain} from (values (${t.other}::uuid)) whose (id)
        where each.tenant_id = whose.id returning each.*`,
    ],
  ],
  [
    'changed under a cursor',
    (t) => [
      `declare writer cursor for ${select(t)} where ${t.isForeign} for update`,
      'fetch writer',
      `update ${t.table} set ${t.plain} = ${t.plain} where current of writer`,
    ],
  ],
  [
    'changed in a part',
    (t) => [
      `with changed as (update ${t.table} set ${t.plain} = ${t.plain}
                          where tenant_id = ${t.other} returning *) table changed`,
    ],
  ],
  [
    'given away',
    (t) => [`update ${t.table} set tenant_id = ${t.other} where ${t.isOwn} returning *`],
  ],
  ['given away without a look', (t) => [`update ${t.table} set tenant_id = ${t.other}`]],
  ['removed by its key', (t) => [`delete from ${t.table} where ${t.isForeign} returning *`]],
  [
    'removed through a join',
    (t) => [
      `delete from ${t.table} each using (values (${t.other}::uuid)) whose (id)
        where each.tenant_id = whose.id`,
    ],
  ],
  [
    'removed in a part',
    (t) => [
      `with removed as (delete from ${t.table} where tenant_id = ${t.other} returning *)
       table removed`,
    ],
  ],
  [
    'merged away',
    (t) => [
      `merge into ${t.table} each using (select 1) one on each.tenant_id = ${t.other}
         when matched then delete`,
    ],
  ],
  [
    'merged over',
    (t) => [
      `merge into ${t.table} each using (select 1) one on each.tenant_id = ${t.other}
         when matched then update set ${t.plain} = each.${t.plain}`,
    ],
  ],
  ['stored', (t) => [`insert into ${t.table} (${t.foreignColumns}) values (${t.foreignValues})`]],
  [
    'stored and shown',
    (t) => [`insert into ${t.table} (${t.foreignColumns}) values (${t.foreignValues}) returning *`],
  ],
  [
    'stored unless it is there',
    (t) => [
      `insert into ${t.table} (${t.foreignColumns}) values (${t.foreignValues})
         on conflict do nothing`,
    ],
  ],
  [
    'stored unless its key is there',
    (t) => [
      `insert into ${t.table} (${t.foreignColumns}) values (${t.foreignValues})
         on conflict (${t.primaryKey}) do nothing`,
    ],
  ],
  [
    'stored over',
    (t) => [
      `insert into ${t.table} (${t.foreignColumns}) values (${t.foreignValues})
         on conflict (${t.primaryKey}) do update set ${t.plain} = excluded.${t.plain} returning *`,
    ],
  ],
  [
    'stored over its twin',
    (t) => [
      `insert into ${t.table} (${t.columns}) ${select(t)} where ${t.isOwn}
         on conflict (${t.primaryKey}) do update set tenant_id = ${t.other}`,
    ],
  ],
  [
    'copied',
    (t) => [
      `insert into ${t.table} (${t.columns})
         select ${t.columns.replace(/\btenant_id\b/, t.mine)} from ${t.table}
          where ${t.isForeign} returning *`,
    ],
  ],
  ['emptied', (t) => [`truncate ${t.table}`]],
  ['emptied with what refers to it', (t) => [`truncate ${t.table} cascade`]],
];
