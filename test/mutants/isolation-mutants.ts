import type { Mutant } from './mutant.ts';

const attentionPolicy = `create policy attention_items_tenant on attention_items to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`;
const attentionGrant = 'pgm.sql(`grant select, insert, update on attention_items to kassa_app`);';
const tenantsGrant = 'pgm.sql(`grant select, insert, update on tenants to kassa_platform`);';

/** What keeps tenants apart, one piece at a time: each has a test that misses it. */
export const isolationMutants: readonly Mutant[] = [
  {
    name: 'policy-dropped',
    rule: 'I8 each table has its one policy',
    edits: [
      {
        file: 'migrations/0012-attention.ts',
        text: attentionPolicy,
        replacement: 'select 1',
      },
    ],
    tests: ['test/database/catalogue.test.ts'],
  },
  {
    name: 'policy-split',
    rule: 'I8 one policy has both clauses',
    edits: [
      {
        file: 'migrations/0012-attention.ts',
        text: attentionPolicy,
        replacement: `create policy attention_items_tenant on attention_items to kassa_app
    using (tenant_id = app.current_tenant()) with check (true)`,
      },
    ],
    tests: ['test/database/isolation-matrix.test.ts'],
  },
  {
    name: 'rows-readable-by-all',
    rule: "I8 a tenant is told nothing of another's rows",
    edits: [
      {
        file: 'migrations/0012-attention.ts',
        text: attentionGrant,
        replacement: `${attentionGrant}
  pgm.sql(\`create policy wide on attention_items for select to kassa_app using (true)\`);`,
      },
    ],
    tests: ['test/database/isolation-matrix.test.ts'],
  },
  {
    name: 'registry-readable',
    rule: 'I8 the app has no right on the registry of tenants',
    edits: [
      {
        file: 'migrations/0002-plans-and-tenants.ts',
        text: tenantsGrant,
        replacement: `${tenantsGrant}
  pgm.sql(\`grant select (slug) on tenants to kassa_app\`);`,
      },
    ],
    tests: ['test/database/catalogue.test.ts'],
  },
  {
    name: 'helper-immutable',
    rule: "I8 a cached plan does not keep another tenant's value",
    edits: [
      {
        file: 'migrations/0001-roles-and-tenant-context.ts',
        text: 'language sql stable parallel safe',
        replacement: 'language sql immutable parallel safe',
      },
    ],
    tests: ['test/database/isolation-reads.test.ts'],
  },
  {
    name: 'tenant-set-for-the-session',
    rule: 'I8 a connection is handed over without a tenant',
    edits: [
      {
        file: 'src/db/database.ts',
        text: "send('select app.set_tenant($1)', [tenantId])",
        replacement: "send(`select set_config('app.tenant_id', $1::text, false)`, [tenantId])",
      },
    ],
    tests: ['test/database/isolation-pools.test.ts'],
  },
  {
    name: 'connection-in-doubt-handed-over',
    rule: 'I8 a connection whose transaction may be open serves nobody else',
    edits: [
      {
        file: 'src/db/database.ts',
        text: 'client.release(broken);',
        replacement: 'client.release(broken && undefined);',
      },
    ],
    tests: ['test/database/isolation-pools.test.ts'],
  },
  {
    name: 'reference-by-id-alone',
    rule: 'I8 a row refers to no row of another tenant',
    edits: [
      {
        file: 'migrations/0010-doubts.ts',
        text: `constraint order_actions_order_fkey foreign key (tenant_id, order_id)
      references orders (tenant_id, id),`,
        replacement: `constraint order_actions_order_fkey foreign key (order_id)
      references orders (id),`,
      },
      {
        file: 'migrations/0010-doubts.ts',
        text: 'pgm.sql(`create table order_actions (',
        replacement: `pgm.sql('alter table orders add constraint orders_id_key unique (id)');
  pgm.sql(\`create table order_actions (`,
      },
    ],
    tests: ['test/database/isolation-writes.test.ts'],
  },
  {
    name: 'function-of-the-owner',
    rule: 'I8 no code runs with more rights than who calls it',
    edits: [
      {
        file: 'migrations/0001-roles-and-tenant-context.ts',
        text: 'language plpgsql volatile',
        replacement: 'language plpgsql volatile security definer',
      },
    ],
    tests: ['test/database/catalogue.test.ts'],
  },
  {
    name: 'view-of-the-owner',
    rule: 'I8 a view shows what its reader may see',
    edits: [
      {
        file: 'migrations/0012-attention.ts',
        text: attentionGrant,
        replacement: `${attentionGrant}
  pgm.sql(\`create view attention as select * from attention_items\`);`,
      },
    ],
    tests: ['test/database/catalogue.test.ts'],
  },
  {
    name: 'rights-by-default',
    rule: 'I8 a new table is nobody’s until it is granted',
    edits: [
      {
        file: 'migrations/0012-attention.ts',
        text: attentionGrant,
        replacement: `${attentionGrant}
  pgm.sql(\`alter default privileges grant select on tables to kassa_app\`);`,
      },
    ],
    tests: ['test/database/catalogue.test.ts'],
  },
  {
    name: 'door-and-wall-gone-for-a-route',
    rule: "I8 another merchant's id is answered as nobody's",
    edits: [
      {
        file: 'migrations/0011-reconciliation.ts',
        text: 'using (tenant_id = app.current_tenant())',
        replacement: 'using (true)',
      },
      {
        file: 'src/repositories/reconciliations.ts',
        text: 'from reconciliations where tenant_id = $1 and id = $2',
        replacement: 'from reconciliations where $1::uuid is not null and id = $2',
      },
    ],
    tests: ['test/gateway/isolation-routes.test.ts'],
  },
  {
    name: 'own-key-opens-under-another-name',
    rule: 'I8 key and name say the same tenant, at every route',
    edits: [
      {
        file: 'src/middleware/tenant-resolver.ts',
        text: 'if (named && owner && named.id !== owner.id) throw conflict();\n    res.locals.tenant = owner ?? named;',
        replacement: 'res.locals.tenant = named ?? owner;',
      },
    ],
    tests: ['test/gateway/isolation-routes.test.ts'],
  },
  {
    name: 'door-and-wall-gone-for-a-job',
    rule: "I8 a job of one tenant reaches no row of another's",
    edits: [
      {
        file: 'migrations/0004-notifications-and-outbox.ts',
        text: 'using (tenant_id = app.current_tenant())',
        replacement: 'using (true)',
      },
      {
        file: 'src/repositories/notifications.ts',
        text: 'from notifications where tenant_id = $1 and id = $2',
        replacement: 'from notifications where $1::uuid is not null and id = $2',
      },
    ],
    tests: ['test/gateway/isolation-jobs.test.ts'],
  },
  {
    name: 'log-tells-the-query',
    rule: 'I8 nothing of a shopper gets into a log',
    edits: [
      {
        file: 'src/app.ts',
        text: "path: url.split('?')[0]?.slice(0, maxLoggedPath)",
        replacement: 'path: url.slice(0, maxLoggedPath)',
      },
    ],
    tests: ['test/gateway/edge.test.ts'],
  },
];
