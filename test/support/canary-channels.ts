import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';

const source = new URL('../../src/', import.meta.url);
const queueChannel = `'pgboss_' || left(encode(sha224('pgboss'::bytea), 'hex'), 24)`;

export type DumpedColumn = { readonly column: string; readonly text: string };

/** Every column of every table, as a dump of the database would hold it. */
export async function dumpAll(admin: pg.Pool): Promise<DumpedColumn[]> {
  const { rows: columns } = await admin.query<{ table: string; name: string }>(
    `select attrelid::regclass::text as table, quote_ident(attname) as name
       from pg_attribute join pg_class c on c.oid = attrelid
       join pg_namespace n on n.oid = relnamespace
      where relkind = 'r' and attnum > 0 and not attisdropped
        and nspname !~ '^(pg_|information_schema$)'`,
  );
  const dumped: DumpedColumn[] = [];
  for (const { table, name } of columns) {
    const { rows } = await admin.query<{ text: string | null }>(
      `select string_agg(${name}::text, E'\\n') as text from ${table}`,
    );
    dumped.push({ column: `${table}.${name}`, text: rows[0]?.text ?? '' });
  }
  return dumped;
}

/** Hears every channel that the source names, and the queue's. */
export async function listenToAll(client: pg.Client, onMessage: (text: string) => void) {
  const { rows } = await client.query<{ channel: string }>(`select ${queueChannel} as channel`);
  const channels = new Set([...(await channelsInSource()), ...rows.map(({ channel }) => channel)]);
  client.on('notification', ({ payload }) => onMessage(String(payload)));
  for (const channel of channels) await client.query(`listen ${client.escapeIdentifier(channel)}`);
}

async function channelsInSource(): Promise<string[]> {
  const files = await readdir(source, { recursive: true });
  const texts = await Promise.all(
    files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFile(new URL(file, source), 'utf8')),
  );
  return texts.flatMap((text) =>
    [...text.matchAll(/'(kassa_[a-z_]+)'/g)].map(([, name = '']) => name),
  );
}
