import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { ReadMessage } from './message.ts';

export const MAX_MESSAGES = 5000;

/** What the control API answers for each mail. */
export type InboxMessage = ReadMessage & { readonly id: number; readonly receivedAt: string };

export type NewMessage = {
  readonly message: ReadMessage;
  readonly recipients: readonly string[];
  readonly raw: Buffer;
  readonly receivedAt: Date;
};

/** Texts are found anywhere in the field, whatever the case; `any` looks in both fields. */
export type MessageFilter = {
  readonly to?: string | undefined;
  readonly subject?: string | undefined;
  readonly any?: string | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
};

const schema = `
  pragma journal_mode = wal;
  pragma synchronous = normal;
  create table if not exists messages (
    id             integer primary key autoincrement,
    received_at    text not null,
    sender         text not null,
    recipient      text not null,
    reply_to       text not null,
    subject        text not null,
    text_part      text not null,
    html_part      text not null,
    headers        text not null,
    raw            blob not null,
    search_to      text not null, -- lower case by JavaScript: SQLite folds ASCII only
    search_subject text not null
  ) strict`;

const columns = `id, received_at as "receivedAt", sender as "from", recipient as "to",
  reply_to as "replyTo", subject, text_part as text, html_part as html, headers`;

const listing = `select ${columns} from messages
  where ($to = '' or instr(search_to, $to) > 0)
    and ($subject = '' or instr(search_subject, $subject) > 0)
    and ($any = '' or instr(search_to, $any) > 0 or instr(search_subject, $any) > 0)
    and ($before = 0 or id < $before)
  order by id desc
  limit $limit`;

const insertion = `insert into messages
  (received_at, sender, recipient, reply_to, subject, text_part, html_part, headers, raw,
   search_to, search_subject)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const Headers = z.array(z.object({ name: z.string(), value: z.string() }));
const Row = z.object({
  id: z.number(),
  receivedAt: z.string(),
  from: z.string(),
  to: z.string(),
  replyTo: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
  headers: z.string().transform((text) => Headers.parse(JSON.parse(text))),
});
const RawRow = z.object({ raw: z.instanceof(Uint8Array) });

/** The mails in one SQLite file (or ':memory:'), bounded to the newest 5000. */
export function openStore(dataFile: string) {
  if (dataFile !== ':memory:') mkdirSync(dirname(dataFile), { recursive: true });
  const database = new DatabaseSync(dataFile);
  database.exec(schema);
  const insert = database.prepare(insertion);
  // Ids only grow, so that everything this far below the newest one is beyond the bound.
  const trim = database.prepare('delete from messages where id <= ? - ?');
  const select = database.prepare(listing);
  const selectOne = database.prepare(`select ${columns} from messages where id = ?`);
  const selectRaw = database.prepare('select raw from messages where id = ?');

  function add({ message, recipients, raw, receivedAt }: NewMessage): number {
    const { lastInsertRowid } = insert.run(
      receivedAt.toISOString(),
      message.from,
      message.to,
      message.replyTo,
      message.subject,
      message.text,
      message.html,
      JSON.stringify(message.headers),
      raw,
      fold([message.to, ...recipients].join('\n')),
      fold(message.subject),
    );
    trim.run(lastInsertRowid, MAX_MESSAGES);
    return Number(lastInsertRowid);
  }

  function list(filter: MessageFilter): InboxMessage[] {
    const rows = select.all({
      to: fold(filter.to),
      subject: fold(filter.subject),
      any: fold(filter.any),
      before: filter.before ?? 0,
      limit: filter.limit,
    });
    return rows.map((row) => Row.parse(row));
  }

  function find(id: number): InboxMessage | undefined {
    const row = selectOne.get(id);
    return row && Row.parse(row);
  }

  function findRaw(id: number): Buffer | undefined {
    const row = selectRaw.get(id);
    return row && Buffer.from(RawRow.parse(row).raw);
  }

  return {
    add,
    list,
    find,
    findRaw,
    clear: () => database.exec('delete from messages'),
    close: () => database.close(),
  };
}
export type Store = ReturnType<typeof openStore>;

function fold(text: string | undefined): string {
  return (text ?? '').toLowerCase();
}
