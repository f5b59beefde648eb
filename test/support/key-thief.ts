import pg from 'pg';

/** A file of the loot is read as text and as what its bytes may be in another writing. */
const tokens = /[A-Za-z0-9+/=_.:~-]{8,200}/g;

/** Everything that a dump of the database has: each value of each row of each table, as text. */
export async function dumpOf(adminUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: unknown }>(
        `select to_jsonb(t) as row from ${name} t`,
      );
      texts.push(...rows.flatMap(({ row }) => leavesOf(row)));
    }
    const { rows } = await client.query<{ query: string }>('select query from pg_stat_activity');
    return [...texts, ...rows.map(({ query }) => query ?? '')];
  } finally {
    await client.end();
  }
}

/** All that somebody who found these texts would try as a key. */
export function candidatesIn(texts: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const text of texts) {
    for (const writing of writingsOf(text)) {
      for (const [token] of writing.matchAll(tokens)) {
        for (const part of partsOf(token)) found.add(part);
      }
    }
  }
  return found;
}

/** Those of the candidates that Midtrans takes as somebody's server key. */
export async function keysAmong(
  candidates: ReadonlySet<string>,
  midtransUrl: string,
): Promise<string[]> {
  const waiting = candidates.values();
  const keys: string[] = [];
  const tryAll = async () => {
    for (const candidate of waiting) {
      const answer = await fetch(`${midtransUrl}/v2/no-such-order/status`, {
        headers: { Authorization: `Basic ${btoa(`${candidate}:`)}` },
      });
      const { status_code } = (await answer.json()) as { status_code: string };
      if (answer.status !== 401 && status_code !== '401') keys.push(candidate);
    }
  };
  await Promise.all(Array.from({ length: 8 }, tryAll));
  return keys.sort();
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...leavesOf(member)]);
}

/** A text, and what it is when it is hexadecimal or base64, which a credential often is. */
function writingsOf(text: string): string[] {
  const writings = [text];
  const hex = /^\\x((?:[0-9a-f]{2})+)$/.exec(text)?.[1];
  if (hex) writings.push(Buffer.from(hex, 'hex').toString('latin1'));
  for (const [token] of text.matchAll(/[A-Za-z0-9+/_-]{12,}={0,2}/g)) {
    writings.push(Buffer.from(token, 'base64').toString('latin1'));
    writings.push(Buffer.from(token, 'hex').toString('latin1'));
  }
  return writings;
}

/** A token, and what is left of it without a name or a password beside it. */
function partsOf(token: string): string[] {
  return [token, ...token.split(/[:=,]/).filter((part) => part.length >= 8)];
}
