import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import type { PlatformTx } from './database.ts';

/**
 * Lets a library that speaks Kysely work inside a transaction of the control plane: what it asks
 * within `join` goes through that transaction, so that its rows and ours are stored together. It
 * gets no connection of its own, and outside of `join` none at all.
 */
export function createPlatformDialect() {
  const current = new AsyncLocalStorage<PlatformTx>();

  function get(): PlatformTx {
    const tx = current.getStore();
    if (!tx) throw new Error('There is no transaction that this statement could be a part of.');
    return tx;
  }

  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driverOf(get),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };

  return {
    dialect,
    /** The transaction that the code which asks runs in. */
    current: get,
    join: <T>(tx: PlatformTx, work: () => Promise<T>): Promise<T> => current.run(tx, work),
  };
}

function driverOf(current: () => PlatformTx): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters }: CompiledQuery) {
      const { rows, rowCount } = await current().query(sql, parameters);
      return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
    },
    streamQuery() {
      throw new Error('Rows are not streamed.');
    },
  };
  const refuse = async () => {
    throw new Error('The transaction is begun and ended by whoever opened it.');
  };
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}
