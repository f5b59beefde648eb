import type pg from 'pg';

export type Column = {
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
  readonly hasDefault: boolean;
};

/** What the catalogue says of one table, as far as a row and its isolation need it. */
export type TenantTable = {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  /** Of all primary and unique keys. */
  readonly keyColumns: readonly string[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly checks: readonly Check[];
  /** What kassa_app may do with it: SELECT, INSERT, UPDATE, DELETE. */
  readonly rights: readonly string[];
};

export type ForeignKey = {
  readonly name: string;
  readonly columns: readonly string[];
  readonly table: string;
  readonly referenced: readonly string[];
};

export type Check = {
  readonly name: string;
  readonly columns: readonly string[];
  readonly text: string;
};

/** Every table with `tenant_id`; a new one is among them by itself. */
export async function readTenantTables(client: pg.Client): Promise<TenantTable[]> {
  const { rows } = await client.query<TenantTable>(`
    select c.relname as name,
      (select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, null),
                'isNullable', not attnotnull, 'hasDefault', atthasdef) order by attnum)
         from pg_attribute
        where attrelid = c.oid and attnum > 0 and not attisdropped
          and attgenerated = '' and attidentity <> 'a') as columns,
      ${namesOf(`(select conkey from pg_constraint where conrelid = c.oid and contype = 'p')`)}
        as "primaryKey",
      (select json_agg(distinct attname) from pg_constraint k
         join pg_attribute on attrelid = conrelid and attnum = any (conkey)
        where conrelid = c.oid and contype in ('p', 'u')) as "keyColumns",
      (select coalesce(json_agg(json_build_object('name', conname,
                'columns', ${namesOf('conkey')}, 'table', r.relname,
                'referenced', ${namesOf('confkey', 'confrelid')}) order by conname), '[]')
         from pg_constraint k join pg_class r on r.oid = confrelid
        where conrelid = c.oid and contype = 'f') as "foreignKeys",
      (select coalesce(json_agg(json_build_object('name', conname, 'columns',
                ${namesOf('conkey')}, 'text', pg_get_constraintdef(k.oid))), '[]')
         from pg_constraint k where conrelid = c.oid and contype = 'c') as checks,
      array(select privilege from unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) privilege
             where has_table_privilege('kassa_app', c.oid, privilege)) as rights
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and exists (select from pg_attribute
                    where attrelid = c.oid and attname = 'tenant_id' and not attisdropped)
     order by c.relname`);
  return rows;
}

function namesOf(numbers: string, table = 'c.oid'): string {
  return `(select coalesce(json_agg(attname order by place), '[]')
             from unnest(${numbers}) with ordinality as part (number, place)
             join pg_attribute on attrelid = ${table} and attnum = number)`;
}
