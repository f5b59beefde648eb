import type pg from 'pg';
import { expect, test } from 'vitest';
import { TenantId } from '../domain/ids.ts';
import { createDb } from './database.ts';

const tenant = TenantId.parse('00000000-0000-4000-8000-000000000001');

// PostgreSQL cannot be brought to fail these alone, and what follows them would run unprotected.
test.each(['begin', 'select app.set_tenant($1)'])(
  'when "%s" alone fails, no answer is believed',
  async (failing) => {
    const db = createDb({ app: poolFailing(failing), platform: poolFailing(failing) });
    const ask = (tx: { query(text: string): Promise<pg.QueryResult> }) => tx.query('select 1');

    await expect(db.withTenant(tenant, ask)).rejects.toThrow(`${failing} failed`);
    await expect(db.withTenantOnce(tenant, ask)).rejects.toThrow(`${failing} failed`);
  },
);

/** A pool whose connection answers everything but one statement. */
function poolFailing(failing: string): pg.Pool {
  const client = {
    query: async (text: string) => {
      if (text === failing) throw new Error(`${failing} failed`);
      return { command: text.toUpperCase(), rows: [] };
    },
    release: () => undefined,
  };
  return { connect: async () => client } as unknown as pg.Pool;
}
