/** What a statement is called in a report: its verb and its table. */
export function nameStatement(sql: string): string {
  const text = sql.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  const word = /^(begin|commit|rollback)\b/.exec(text)?.[1];
  if (word) return word;
  if (text.startsWith('select app.set_tenant')) return 'set tenant';
  const [, verb, table] = /\b(insert into|update|delete from) ([a-z_.]+)/.exec(text) ?? [];
  const isWrite = verb && table && !/^select .*for (update|no key update)/.test(text);
  // The queue updates a job when it takes it and when it is done.
  if (isWrite && /set completed_on = now\(\)/.test(text)) return `complete ${table}`;
  if (isWrite) return `${verb.split(' ')[0]} ${table}`;
  const source = /\bfrom ([a-z_.]+)/.exec(text)?.[1];
  if (!source) return text.slice(0, 40);
  return `${/ for (no key )?update/.test(text) ? 'lock' : 'read'} ${source}`;
}

/** Whether a statement so named changes something, once its transaction is committed. */
export function isWrite(name: string): boolean {
  return /^(insert|update|delete) /.test(name);
}
