/** A query answers its faults, one a row; a sound database answers none. */
export type Rule = { readonly sql: string; readonly values?: readonly unknown[] };

/** What Kassa keeps in a database. pg-boss makes its own when a worker starts. */
const schemas = ['app', 'identity', 'pgboss', 'public'];

/** All code in the database, with its volatility: s for stable, v for volatile. */
const functions = [
  'app.announce_tenant_change() v',
  'app.current_tenant() s',
  'app.is_time_zone(text) s',
  'app.set_tenant(uuid) v',
];

const triggers = ['tenants_announce on tenants'];

/** Settings that a login may bring along, as it must behind a pooler that hands none on. */
const loginSettings = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];

const ownSchemas = `(select oid, nspname from pg_namespace
  where nspname in ('app', 'auth', 'public'))`;
const logins = `(select oid, rolname from pg_roles
  where rolname in ('kassa_app', 'kassa_platform', 'kassa_worker'))`;

/** Rules about schemas, code and sessions. */
export const codeRules: readonly Rule[] = [
  {
    sql: `select nspname || ' is not on the list of schemas' as fault from pg_namespace
           where nspname !~ '^(pg_|information_schema$)' and nspname <> all ($1)`,
    values: [schemas],
  },
  {
    sql: `select format('%s may create in %s', rolname, nspname) as fault
            from ${ownSchemas} n cross join ${logins} l
           where has_schema_privilege(l.oid, n.oid, 'CREATE')`,
  },
  {
    // Users and sessions: who gets at them is who they say.
    sql: `select format('%s may use schema auth', rolname) as fault
            from ${ownSchemas} n cross join ${logins} l
           where nspname = 'auth' and rolname <> 'kassa_platform'
             and has_schema_privilege(l.oid, n.oid, 'USAGE')
          union all
          select format('%s: %s on auth.%s', who(grantee), privilege_type, relname)
            from pg_class c join ${ownSchemas} n on n.oid = relnamespace
            cross join aclexplode(relacl) a
           where nspname = 'auth' and grantee <> relowner and who(grantee) <> 'kassa_platform'`,
  },
  {
    sql: `select format('%s.%s has rights of its own', attrelid::regclass, attname) as fault
            from pg_attribute join pg_class c on c.oid = attrelid
            join ${ownSchemas} n on n.oid = relnamespace
           where attacl is not null`,
  },
  {
    sql: `select format('%s %s is not on the list of functions', p.oid::regprocedure, provolatile)
                   as fault
            from pg_proc p join ${ownSchemas} n on n.oid = pronamespace
           where format('%s %s', p.oid::regprocedure, provolatile) <> all ($1)
          union all
          select p.oid::regprocedure || ' is security definer without a search_path'
            from pg_proc p join ${ownSchemas} n on n.oid = pronamespace
           where prosecdef and not coalesce(proconfig, '{}')::text ~ 'search_path='
          union all
          select p.oid::regprocedure || ' is leakproof' from pg_proc p
            join ${ownSchemas} n on n.oid = pronamespace
           where proleakproof`,
    values: [functions],
  },
  {
    sql: `select format('%s on %s is not on the list of triggers', tgname, tgrelid::regclass)
                   as fault
            from pg_trigger
           where not tgisinternal and format('%s on %s', tgname, tgrelid::regclass) <> all ($1)
          union all
          select format('%s on %s is a rule', rulename, ev_class::regclass)
            from pg_rewrite join pg_class c on c.oid = ev_class
            join ${ownSchemas} n on n.oid = relnamespace
           where rulename <> '_RETURN'`,
    values: [triggers],
  },
  {
    // A policy on the parent does not hold for who reads the part.
    sql: `select relname || ' is a part with rights of its own' as fault
            from pg_class where relispartition and relacl is not null
          union all
          select format('%s inherits from %s', inhrelid::regclass, inhparent::regclass)
            from pg_inherits join pg_class c on c.oid = inhrelid where not relispartition
             and relkind = 'r'`,
  },
  {
    sql: `select format('%s of %s is not on the list of settings', setting, coalesce(rolname, 'all'))
                   as fault
            from pg_db_role_setting
            left join pg_roles r on r.oid = setrole
            cross join unnest(setconfig) config
            cross join split_part(config, '=', 1) setting
           where (setrole = 0 or rolname ~ '^kassa_')
             and setdatabase in (0, (select oid from pg_database where datname = current_database()))
             and setting <> all ($1)`,
    values: [loginSettings],
  },
  {
    sql: `select format('%s: %s %s', who(grantee), privilege_type, parname) as fault
            from pg_parameter_acl cross join aclexplode(paracl) a
           where who(grantee) ~ '^(kassa_|public$)'
          union all
          select pubname || ' hands rows out past the walls' from pg_publication`,
  },
].map(({ sql, values }) => ({ sql: withNames(sql), ...(values && { values }) }));

/** Everybody is no role, and has no name. */
function withNames(sql: string): string {
  return sql.replaceAll(
    'who(grantee)',
    `(case grantee when 0 then 'public' else grantee::regrole::text end)`,
  );
}
