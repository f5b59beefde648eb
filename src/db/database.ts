import type pg from 'pg';
import type { TenantId } from '../domain/ids.ts';
import { isAborted, isConflict, isUnavailable, unavailable } from './errors.ts';

type Row = pg.QueryResultRow;

/** What a repository may do: run one statement with bound values. */
export type Transaction = {
  query<R extends Row>(text: string, values?: readonly unknown[]): Promise<pg.QueryResult<R>>;
};

declare const tenantBrand: unique symbol;
declare const platformBrand: unique symbol;

/** What a transaction with more than one statement can do besides. */
type WithEnding = {
  /**
   * Has `step` run after all other work, just before the commit: for a row that many transactions
   * share, whose lock is to be held for as short as can be and by nobody who waits for another one.
   * Steps of one transaction run in the order of their names, so that no two wait for each other.
   */
  beforeCommit(name: string, step: () => Promise<void>): void;
};

/** A transaction that sees one tenant's rows. Only `withTenant` can make one. */
export type TenantTx = Transaction &
  WithEnding & {
    readonly tenantId: TenantId;
    readonly [tenantBrand]: true;
  };

/** A transaction of the control plane, under another login. Only `withPlatform` can make one. */
export type PlatformTx = Transaction & WithEnding & { readonly [platformBrand]: true };

export type Db = ReturnType<typeof createDb>;

const maxTries = 3;

/**
 * The two doors to PostgreSQL; there is no third. All tenants share one pool, each unit of work is
 * one transaction, and the tenant is set inside it.
 */
export function createDb({ app, platform }: { app: pg.Pool; platform: pg.Pool }) {
  /**
   * Runs `work` in one transaction of the tenant. `begin`, the tenant and the first statement
   * travel together, so that a transaction costs one round trip more than its statements. Run
   * again when PostgreSQL breaks a deadlock: `work` must touch nothing but the database.
   */
  async function withTenant<T>(tenantId: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> {
    return retryConflicts(() => run(app, openTenant(tenantId), work));
  }

  /**
   * As `withTenant`, for work that is exactly one statement: `commit` travels along with it, so
   * that the whole transaction is ONE round trip. What `work` does with the rows happens after
   * the commit; a second statement is refused.
   */
  async function withTenantOnce<T>(
    tenantId: TenantId,
    work: (tx: TenantTx) => Promise<T>,
  ): Promise<T> {
    return retryConflicts(() => runOnce(app, openTenant(tenantId), work));
  }

  /** As `withTenant`, for reading only: all statements see one moment, so that sums can agree. */
  async function withTenantSnapshot<T>(
    tenantId: TenantId,
    work: (tx: TenantTx) => Promise<T>,
  ): Promise<T> {
    const begin = 'begin isolation level repeatable read, read only';
    return retryConflicts(() => run(app, openTenant(tenantId, begin), work));
  }

  /** Runs `work` in one transaction of the control plane: registry, keys, plans. */
  async function withPlatform<T>(work: (tx: PlatformTx) => Promise<T>): Promise<T> {
    return retryConflicts(() => run(platform, openPlatform, work));
  }

  /** As `withPlatform`, for work that is exactly one statement: one round trip in all. */
  async function withPlatformOnce<T>(work: (tx: PlatformTx) => Promise<T>): Promise<T> {
    return retryConflicts(() => runOnce(platform, openPlatform, work));
  }

  async function close(): Promise<void> {
    await Promise.all([app.end(), platform.end()]);
  }

  return {
    withTenant,
    withTenantOnce,
    withTenantSnapshot,
    withPlatform,
    withPlatformOnce,
    close,
  };
}

type Send = Transaction['query'];

/** How a kind of transaction is opened, and how it looks to the repositories. */
type Opening<Tx> = {
  send(send: Send): Promise<unknown>[];
  toTx(does: Transaction & WithEnding): Tx;
};

function openTenant(tenantId: TenantId, begin = 'begin'): Opening<TenantTx> {
  return {
    send: (send) => [send(begin), send('select app.set_tenant($1)', [tenantId])],
    toTx: (does) => ({ tenantId, ...does }) as TenantTx,
  };
}

const openPlatform: Opening<PlatformTx> = {
  send: (send) => [send('begin')],
  toTx: (does) => ({ ...does }) as PlatformTx,
};

async function run<Tx, T>(
  pool: pg.Pool,
  opening: Opening<Tx>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return withClient(pool, async (client) => {
    const send = sendOn(client);
    let opened: Promise<unknown> | undefined;
    let isOver = false;
    const query = async <R extends Row>(text: string, values?: readonly unknown[]) => {
      if (isOver) throw over();
      opened ??= Promise.all(opening.send(send));
      return together(opened, send<R>(text, values));
    };
    const { beforeCommit, runLast } = endingSteps();
    const result = await runLast(work(opening.toTx({ query, beforeCommit }))).finally(() => {
      isOver = true;
    });
    // Work that asked nothing opened nothing.
    if (opened) await commit(send('commit'));
    return result;
  });
}

async function runOnce<Tx, T>(
  pool: pg.Pool,
  opening: Opening<Tx>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return withClient(pool, async (client) => {
    const send = sendOn(client);
    let isUsed = false;
    let isOver = false;
    const query = async <R extends Row>(text: string, values?: readonly unknown[]) => {
      if (isOver) throw over();
      if (isUsed) throw oneStatement();
      isUsed = true;
      const opened = Promise.all(opening.send(send));
      return together(opened, send<R>(text, values), commit(send('commit')));
    };
    const beforeCommit = () => {
      throw oneStatement();
    };
    return work(opening.toTx({ query, beforeCommit })).finally(() => {
      isOver = true;
    });
  });
}

/** What a transaction leaves for its end. */
function endingSteps() {
  const steps: { readonly name: string; readonly step: () => Promise<void> }[] = [];
  let isRun = false;

  function beforeCommit(name: string, step: () => Promise<void>): void {
    if (isRun) throw over();
    steps.push({ name, step });
  }

  async function runLast<T>(work: Promise<T>): Promise<T> {
    const result = await work;
    isRun = true;
    // Stable: the steps of one name stay in the order of their coming.
    steps.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
    for (const { step } of steps) await step();
    return result;
  }

  return { beforeCommit, runLast };
}

function oneStatement(): Error {
  return new Error('This transaction takes one statement; use withTenant for more.');
}

/** Whoever kept the transaction must not speak in the next tenant's, on the same connection. */
function over(): Error {
  return new Error('This transaction is over.');
}

/**
 * Sends the statements of one transaction. What fails because an earlier statement failed is
 * answered with that statement's error: the cause, not the echo.
 */
function sendOn(client: pg.PoolClient): Send {
  let cause: unknown;
  return async <R extends Row>(text: string, values?: readonly unknown[]) => {
    try {
      return await client.query<R>(text, values && [...values]);
    } catch (error) {
      cause ??= error;
      throw isAborted(error) ? cause : error;
    }
  };
}

/**
 * Waits for a pipelined statement. The opening's failure is the cause of what follows it, so it
 * wins; the others are still heard, or they would be unhandled rejections.
 */
async function together<R>(
  opened: Promise<unknown>,
  answer: Promise<R>,
  committed?: Promise<void>,
): Promise<R> {
  const [opening, result, ending] = await Promise.allSettled([opened, answer, committed]);
  if (opening.status === 'rejected') throw opening.reason;
  if (result.status === 'rejected') throw result.reason;
  if (ending.status === 'rejected') throw ending.reason;
  return result.value;
}

/** A transaction that failed answers `commit` with ROLLBACK and no error: nothing was stored. */
async function commit(answer: Promise<pg.QueryResult>): Promise<void> {
  const { command } = await answer;
  if (command !== 'COMMIT') throw new Error('The transaction was rolled back at commit.');
}

async function withClient<T>(
  pool: pg.Pool,
  use: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error) => {
    throw unavailable(error);
  });
  let broken: Error | undefined;
  try {
    return await use(client);
  } catch (error) {
    broken = await rollBack(client, error);
    throw isUnavailable(error) ? unavailable(error) : error;
  } finally {
    // A client whose transaction may still be open must not serve the next tenant.
    client.release(broken);
  }
}

/** Ends the transaction; answers why the client is not fit for another one, if it is not. */
async function rollBack(client: pg.PoolClient, cause: unknown): Promise<Error | undefined> {
  if (isUnavailable(cause)) return new Error('The connection is in doubt.', { cause });
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    return new Error('The rollback failed.', { cause: error });
  }
}

async function retryConflicts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || tries === maxTries) throw error;
    }
  }
}
