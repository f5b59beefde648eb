import pg from 'pg';

/** Notes every statement that this process sends to PostgreSQL, until it is told to stop. */
export function recordStatements() {
  const seen = new Set<string>();
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function record(this: pg.Client, ...given: unknown[]) {
    const [first] = given;
    const text = typeof first === 'string' ? first : (first as { text?: string } | undefined)?.text;
    if (text !== undefined) seen.add(text);
    return (query as (...all: unknown[]) => unknown).apply(this, given);
  } as typeof query;
  return {
    /** What was seen since the last time. */
    take(): Set<string> {
      const taken = new Set(seen);
      seen.clear();
      return taken;
    },
    stop: () => {
      pg.Client.prototype.query = query;
    },
  };
}

/** A statement as `pg_stat_statements` would count it: without its values and its spacing. */
export function normalise(statement: string): string {
  return statement
    .replace(/'(?:[^']|'')*'/g, '?')
    .replace(/\b\d+\b/g, '?')
    .replace(/\$\?(?:, ?\$\?)+/g, '$?')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}
