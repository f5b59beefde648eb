import pg from 'pg';

/** Made by chance, and so told by nobody who has not seen the row: ids, hashes, words of rows. */
const tokens =
  /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\bw[0-9a-f]{12}\b|(?<=\\x)[0-9a-f]{64}/g;

export type Heard = {
  readonly text: string;
  /** SQLSTATE of what ended the transaction. */
  readonly code?: string | undefined;
};

/** Hears all that PostgreSQL tells one connection: rows, notices and errors. */
export function eavesdrop(client: pg.Client) {
  let notices: string[] = [];
  client.on('notice', ({ message, detail }) => void notices.push(`${message} ${detail}`));

  /** Runs statements in a transaction of the tenant, which ends by itself when one is refused. */
  async function run(
    tenant: string | undefined,
    statements: readonly string[],
    ending: 'commit' | 'rollback' = 'commit',
  ): Promise<Heard> {
    notices = [];
    const rows: unknown[] = [];
    try {
      await client.query('begin');
      if (tenant) await client.query('select app.set_tenant($1)', [tenant]);
      for (const statement of statements) rows.push((await client.query(statement)).rows);
      await client.query(ending);
      return { text: JSON.stringify([rows, notices]) };
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      await client.query('rollback');
      const { code, message, detail, hint, where, constraint } = error;
      const told = [rows, notices, message, detail, hint, where, constraint];
      return { text: JSON.stringify(told), code };
    }
  }

  return { run };
}

/** What of a tenant's own was heard. */
export function wordsHeard({ text }: Heard, words: ReadonlySet<string>): string[] {
  return [...new Set(tokensIn(text))].filter((token) => words.has(token));
}

/** The words that only the other tenant's rows hold. */
export function ownWords(other: string, mine: string): ReadonlySet<string> {
  const shared = new Set(tokensIn(mine));
  return new Set(tokensIn(other).filter((token) => !shared.has(token)));
}

function tokensIn(text: string): string[] {
  return [...text.matchAll(tokens)].map(([token]) => token);
}
