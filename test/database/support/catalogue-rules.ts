import type pg from 'pg';
import { codeRules, type Rule } from './catalogue-code-rules.ts';

/** Tables of the platform. Every other table belongs to tenants and has `tenant_id`. */
const sharedTables = [
  'key_rotations',
  'plans',
  'platform_outbox',
  'platform_secrets',
  'rate_limits',
  'tenants',
  'pgmigrations',
];

/** Policies besides the tenants' own, each for one login that works across tenants. */
const furtherPolicies = [
  'audit_entries_platform on audit_entries to kassa_platform',
  'audit_heads_platform on audit_heads to kassa_platform',
  'api_keys_platform on api_keys to kassa_platform',
  'data_keys_platform on data_keys to kassa_platform',
  'key_rotations_platform on key_rotations to kassa_platform',
  'invitations_platform on invitations to kassa_platform',
  'memberships_platform on memberships to kassa_platform',
  'outbox_relay on outbox to kassa_worker',
  'plans_platform on plans to kassa_platform',
  'platform_outbox_platform on platform_outbox to kassa_platform',
  'platform_outbox_relay on platform_outbox to kassa_worker',
  'rate_limits_platform on rate_limits to kassa_platform',
  'platform_secrets_platform on platform_secrets to kassa_platform',
  'support_grants_platform on support_grants to kassa_platform',
  'tenants_platform on tenants to kassa_platform',
];

/** All that the two logins that work across tenants may do, and nothing else. */
const platformGrants = [
  'kassa_platform: INSERT on api_keys',
  'kassa_platform: SELECT on api_keys',
  'kassa_platform: UPDATE on api_keys',
  'kassa_platform: INSERT on audit_entries',
  'kassa_platform: SELECT on audit_entries',
  'kassa_platform: INSERT on audit_heads',
  'kassa_platform: SELECT on audit_heads',
  'kassa_platform: UPDATE on audit_heads',
  'kassa_platform: DELETE on data_keys',
  'kassa_platform: INSERT on data_keys',
  'kassa_platform: SELECT on data_keys',
  'kassa_platform: UPDATE on data_keys',
  'kassa_platform: INSERT on key_rotations',
  'kassa_platform: SELECT on key_rotations',
  'kassa_platform: UPDATE on key_rotations',
  'kassa_platform: INSERT on invitations',
  'kassa_platform: SELECT on invitations',
  'kassa_platform: UPDATE on invitations',
  'kassa_platform: DELETE on memberships',
  'kassa_platform: INSERT on memberships',
  'kassa_platform: SELECT on memberships',
  'kassa_platform: UPDATE on memberships',
  'kassa_platform: SELECT on plans',
  'kassa_platform: INSERT on platform_outbox',
  'kassa_platform: DELETE on rate_limits',
  'kassa_platform: INSERT on rate_limits',
  'kassa_platform: SELECT on rate_limits',
  'kassa_platform: UPDATE on rate_limits',
  'kassa_platform: INSERT on platform_secrets',
  'kassa_platform: SELECT on platform_secrets',
  'kassa_platform: UPDATE on platform_secrets',
  'kassa_platform: INSERT on support_grants',
  'kassa_platform: SELECT on support_grants',
  'kassa_platform: UPDATE on support_grants',
  'kassa_platform: INSERT on tenants',
  'kassa_platform: SELECT on tenants',
  'kassa_platform: UPDATE on tenants',
  'kassa_worker: DELETE on outbox',
  'kassa_worker: SELECT on outbox',
  'kassa_worker: DELETE on platform_outbox',
  'kassa_worker: SELECT on platform_outbox',
];

/** Rows that nobody changes once they are written. */
const historyTables = ['audit_entries', 'order_events'];

/** Over all tenants on purpose: what is looked up before the tenant is known, or by the platform. */
const globalKeys = [
  'api_keys_hash_key',
  'invitations_token_key',
  'memberships_user_idx',
  'support_grants_list_idx',
];

/** What kassa_app may not touch at all, although the last of them have a tenant. */
const controlPlaneTables = [
  ...sharedTables,
  'api_keys',
  'data_keys',
  'invitations',
  'memberships',
  'support_grants',
];

const tables = `(
  select c.oid, c.relname as name, c.relrowsecurity, c.relforcerowsecurity, t.attnum as tenant,
         t.attnotnull and t.atttypid = 'uuid'::regtype as has_sound_tenant
    from pg_class c
    left join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
                            and not t.attisdropped
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f'))`;
const identityTables = `(
  select oid, relname, relrowsecurity from pg_class
   where relnamespace = 'identity'::regnamespace and relkind in ('r', 'p', 'f', 'v', 'm'))`;
const tenantTables = `(select * from ${tables} each where tenant is not null)`;
const logins = `(select * from pg_roles
  where rolname in ('kassa_app', 'kassa_platform', 'kassa_worker'))`;
const policies = `(
  select p.*, t.name as table_name, t.tenant,
         pg_get_expr(polqual, polrelid) as using_text,
         pg_get_expr(polwithcheck, polrelid) as check_text,
         array(select case role when 0 then 'public' else role::regrole::text end
                 from unnest(polroles) role) as roles
    from pg_policy p join ${tables} t on t.oid = polrelid)`;
const ownSchemas = `(select oid from pg_namespace where nspname in ('app', 'auth', 'public'))`;
const ownWall = `'(tenant_id = app.current_tenant())'`;

/** Rules about tables, policies and rights. */
const rules: readonly Rule[] = [
  {
    sql: `select name || ' has no tenant_id and is not on the list' as fault from ${tables} t
           where tenant is null and name <> all ($1)`,
    values: [sharedTables],
  },
  {
    sql: `select name || '.tenant_id is not uuid not null' as fault from ${tenantTables} t
           where not has_sound_tenant`,
  },
  {
    sql: `select name || ' has row-level security off' as fault from ${tenantTables} t
           where not relrowsecurity
          union all
          select name || ' does not force row-level security' from ${tenantTables} t
           where not relforcerowsecurity
          union all
          select name || ' has row-level security off' from ${tables} t
           where tenant is null and name <> 'pgmigrations' and not relrowsecurity`,
  },
  {
    sql: `select format('%s has %s policies for kassa_app', name, count(p.oid)) as fault
            from ${tenantTables} t
            left join ${policies} p on polrelid = t.oid and roles && '{kassa_app,public}'
           group by name having count(p.oid) <> 1`,
  },
  {
    sql: `select format('%s on %s is not the tenant''s wall', polname, table_name) as fault
            from ${policies} p
           where roles && '{kassa_app,public}'
             and (using_text, check_text, polcmd) is distinct from (${ownWall}, ${ownWall}, '*')`,
  },
  {
    sql: `select format('%s on %s is restrictive', polname, table_name) as fault
            from ${policies} p where not polpermissive
          union all
          select format('%s on %s has a subselect', polname, table_name)
            from ${policies} p where concat(using_text, check_text) ~* '\\mselect\\M'`,
  },
  {
    sql: `select policy || ' is not on the list' as fault
            from (select format('%s on %s to %s', polname, table_name, array_to_string(roles, ', '))
                           as policy, roles from ${policies} p) p
           where roles <> '{kassa_app}' and policy <> all ($1)`,
    values: [furtherPolicies],
  },
  {
    sql: `select format('%s on %s does not start with tenant_id', i.relname, t.name) as fault
            from ${tenantTables} t join pg_index x on x.indrelid = t.oid
            join pg_class i on i.oid = x.indexrelid
           where x.indkey[0] <> t.tenant and i.relname <> all ($1)
          union all
          select format('%s on %s does not start with tenant_id', conname, t.name)
            from ${tenantTables} t join pg_constraint c on c.conrelid = t.oid
           where contype = 'f' and conkey[1] <> t.tenant
          union all
          select name || ' has no primary key' from ${tenantTables} t
           where not exists (select from pg_constraint where conrelid = t.oid and contype = 'p')`,
    values: [globalKeys],
  },
  {
    sql: `select format('%s on %s leads out of the tenant', conname, t.name) as fault
            from ${tenantTables} t join pg_constraint c on c.conrelid = t.oid and contype = 'f'
            left join ${tenantTables} r on r.oid = confrelid
           where not (confkey[1] = r.tenant)
              or (r.oid is null and (confrelid <> 'tenants'::regclass or cardinality(conkey) > 1))`,
  },
  {
    sql: `select format('%s on %s changes rows behind row-level security', conname, t.name) as fault
            from ${tables} t join pg_constraint c on c.conrelid = t.oid
           where contype = 'f' and (confdeltype not in ('a', 'r') or confupdtype not in ('a', 'r'))`,
  },
  {
    sql: `select format('%s: %s on %s', rolname, privilege, name) as fault
            from ${tables} t cross join ${logins} l
            cross join unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) privilege
           where has_table_privilege(l.oid, t.oid, privilege)
          union all
          select format('kassa_app: %s on %s', privilege, name)
            from ${tables} t cross join unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) privilege
           where name = any ($1) and ${may("'kassa_app'")}`,
    values: [controlPlaneTables],
  },
  {
    sql: `select grant_text as fault
            from (select format('%s: %s on %s', rolname, privilege, name) as grant_text
                    from ${tables} t cross join ${logins} l
                    cross join unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) privilege
                   where rolname <> 'kassa_app'
                     and ${may('l.oid')}) g
           where grant_text <> all ($1)`,
    values: [platformGrants],
  },
  {
    sql: `select format('%s: %s on the history in %s', rolname, privilege, name) as fault
            from ${tables} t cross join ${logins} l cross join unnest('{UPDATE,DELETE}'::text[]) privilege
           where name = any ($1)
             and ${may('l.oid')}`,
    values: [historyTables],
  },
  {
    // Users, passwords and sessions: the control plane's login, under policies, and nobody else.
    sql: `select format('%s may enter the schema identity', rolname) as fault from ${logins} l
           where rolname <> 'kassa_platform' and has_schema_privilege(oid, 'identity', 'usage')
          union all
          select format('%s: %s on identity.%s', rolname, privilege, relname)
            from ${identityTables} t cross join ${logins} l
            cross join unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) privilege
           where rolname <> 'kassa_platform' and ${may('l.oid')}
          union all
          select format('%s: %s on identity.%s', rolname, privilege, relname)
            from ${identityTables} t cross join ${logins} l
            cross join unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) privilege
           where has_table_privilege(l.oid, t.oid, privilege)
          union all
          select format('identity.%s has row-level security off', relname)
            from ${identityTables} t where not relrowsecurity
          union all
          select format('%s on identity.%s is not for kassa_platform alone', polname, relname)
            from ${identityTables} t join pg_policy on polrelid = t.oid
           where polroles <> array['kassa_platform'::regrole::oid]`,
  },
  {
    sql: `select 'everybody may use ' || name as fault from ${tables} t
            join pg_class c on c.oid = t.oid cross join aclexplode(c.relacl) a where a.grantee = 0
          union all
          select 'there are default privileges' from pg_default_acl`,
  },
  {
    sql: `select c.relname || ' is a materialized view' as fault from pg_class c
           where c.relkind = 'm' and c.relnamespace in ${ownSchemas}
          union all
          select c.relname || ' is a view without security_invoker' from pg_class c
           where c.relkind = 'v' and c.relnamespace in ${ownSchemas}
             and not coalesce(c.reloptions, '{}') && '{security_invoker=true,security_invoker=on}'
          union all
          select c.relname || ' is a sequence: its values tell of other tenants' from pg_class c
           where c.relkind = 'S' and c.relnamespace in ${ownSchemas}
             and c.relname <> 'pgmigrations_id_seq'`,
  },
  {
    sql: `select oid::regprocedure || ' is security definer' as fault from pg_proc
           where pronamespace in ${ownSchemas} and prosecdef
          union all
          select 'app.current_tenant() is not stable'
           where not exists (select from pg_proc
                              where oid = 'app.current_tenant()'::regprocedure and provolatile = 's')
          union all
          select 'everybody may set the tenant'
            from pg_proc cross join aclexplode(coalesce(proacl, acldefault('f', proowner))) a
           where pg_proc.oid = 'app.set_tenant(uuid)'::regprocedure and a.grantee = 0`,
  },
  {
    sql: `select format('%s %s', rolname, fault) as fault
            from (select rolname, case
                    when rolsuper then 'is a superuser' when rolbypassrls then 'has BYPASSRLS'
                    when rolcreaterole then 'may create roles' when rolcreatedb then 'may create databases'
                    when rolreplication then 'may replicate' end as fault from ${logins} l) l
           where fault is not null
          union all
          select format('%s is a member of %s', l.rolname, m.roleid::regrole)
            from ${logins} l join pg_auth_members m on m.member = l.oid
          union all
          select format('%s owns %s', l.rolname, c.relname)
            from ${logins} l join pg_class c on c.relowner = l.oid
          union all
          select name || ' is missing' from unnest('{kassa_app,kassa_platform,kassa_worker}'::name[]) name
           where name not in (select rolname from pg_roles)`,
  },
  {
    // Citus adds a shard number to a name, and PostgreSQL cuts at 63.
    sql: `select name || ' is too long a name' as fault
            from (select conname from pg_constraint
                   where connamespace = 'public'::regnamespace
                  union select relname from pg_class where relnamespace = 'public'::regnamespace)
                   as all_names (name)
           where length(name) >= 50`,
  },
  {
    sql: `select format('%s.%s has a type without a leakproof equality: %s', t.name, attname,
                   format_type(atttypid, null)) as fault
            from ${tables} t join pg_attribute a on attrelid = t.oid and attnum > 0
            join pg_type y on y.oid = atttypid
           where not attisdropped and (typtype = 'e' or typname in ('numeric', 'money', 'citext'))`,
  },
];

/** What in a database breaks the rules of tenancy; each fault names the thing. */
export async function findFaults(client: pg.Client): Promise<string[]> {
  const found: string[] = [];
  for (const { sql, values } of [...rules, ...codeRules]) {
    const { rows } = await client.query<{ fault: string }>(sql, values && [...values]);
    found.push(...rows.map(({ fault }) => fault));
  }
  return found;
}

/** Also on a single column; rows are deleted whole. */
function may(login: string): string {
  return `case privilege
    when 'DELETE' then has_table_privilege(${login}, t.oid, privilege)
    else has_any_column_privilege(${login}, t.oid, privilege) end`;
}
