import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import * as tenants from '../repositories/tenants.ts';
import type { Reconciliations } from './reconciliations.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly reconciliations: Reconciliations;
  readonly directory: TenantDirectory;
  readonly log: Logger;
};

const tenantsPerPage = 500;

/** Begins each tenant's reconciliation once its night has come, however many workers look. */
export function createNightlyReconciliations({
  db,
  reconciliations,
  directory,
  log,
}: Dependencies) {
  /** Answers how many it began. */
  async function beginAll(at: Date): Promise<number> {
    let begun = 0;
    let after: TenantId | undefined;
    for (;;) {
      const page = await db.withPlatform((tx) =>
        tenants.listIds(tx, { after, limit: tenantsPerPage }),
      );
      for (const id of page) {
        if (await begin(id, at).catch(loggedAs(id))) begun += 1;
      }
      if (page.length < tenantsPerPage) return begun;
      after = page.at(-1);
    }
  }

  async function begin(id: TenantId, at: Date): Promise<boolean> {
    const tenant = await directory.find(id);
    return tenant !== undefined && reconciliations.beginNightly(tenant, at);
  }

  /** One tenant's trouble must not keep the others' books unchecked. */
  function loggedAs(tenantId: TenantId) {
    return (error: unknown): boolean => {
      log.error({ err: error, tenantId }, "a tenant's nightly reconciliation was not begun");
      return false;
    };
  }

  return { beginAll };
}
