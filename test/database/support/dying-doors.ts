import type { Db, PlatformTx } from '../../../src/db/database.ts';

export const killed = new Error('This process was killed.');

type Death = { readonly nth: number; readonly moment: 'before' | 'after' };

/** The doors of a process that is killed at its nth statement, before or after it was run. */
export function dyingDoors(db: Db, { nth, moment }: Death) {
  let statements = 0;

  function dyingTx(tx: PlatformTx): PlatformTx {
    const query: PlatformTx['query'] = async (text, values) => {
      statements += 1;
      // What is dead says nothing more, so its later statements fail as well.
      if (statements > nth || (statements === nth && moment === 'before')) throw killed;
      const answer = await tx.query(text, values);
      if (statements === nth) throw killed;
      return answer as never;
    };
    return { ...tx, query };
  }

  return {
    db: { ...db, withPlatform: (work) => db.withPlatform((tx) => work(dyingTx(tx))) } as Db,
    isDead: () => statements >= nth,
  };
}
