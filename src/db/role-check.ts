import type pg from 'pg';

type Facts = {
  readonly login: string;
  readonly is_superuser: boolean;
  readonly bypasses_rls: boolean;
  readonly member_of: string[];
  readonly owns: string[];
};

/**
 * Refuses a login that is another than expected, or that row-level security would not hold: a superuser, one with BYPASSRLS
 * (Supabase's own `postgres` is one), an owner of tables, a member of any other role.
 *
 * @throws Error that names every fault and what to do
 */
export async function checkRole(pool: pg.Pool, expected: { readonly login: string }) {
  const { rows } = await pool.query<Facts>(
    `select r.rolname as login, r.rolsuper as is_superuser, r.rolbypassrls as bypasses_rls,
            array(select m.rolname::text from pg_roles m
                   where m.oid <> r.oid and pg_has_role(r.oid, m.oid, 'member')
                   order by 1) as member_of,
            array(select c.oid::regclass::text from pg_class c
                    join pg_namespace n on n.oid = c.relnamespace
                   where c.relowner = r.oid and c.relkind in ('r', 'p', 'v', 'm')
                     and n.nspname in ('public', 'app', 'identity')
                   order by 1) as owns
       from pg_roles r where r.rolname = current_user`,
  );
  const [facts] = rows;
  if (!facts) throw new Error('PostgreSQL does not know its current user.');
  const faults = [
    facts.login !== expected.login && 'is not the one for this pool',
    facts.is_superuser && 'is a superuser',
    facts.bypasses_rls && 'has BYPASSRLS',
    // A superuser is a member of every role; one fault says it.
    !facts.is_superuser &&
      facts.member_of.length > 0 &&
      `is a member of ${facts.member_of.join(', ')}`,
    facts.owns.length > 0 && `owns ${facts.owns.join(', ')}`,
  ].filter((fault) => fault !== false);
  if (faults.length === 0) return;
  throw new Error(
    `Kassa will not start: the database login "${facts.login}" ${faults.join(', ')}, ` +
      `so the walls between tenants would not hold. Use the login ${expected.login} that the migrations make.`,
  );
}
