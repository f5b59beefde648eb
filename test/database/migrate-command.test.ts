import { randomUUID } from 'node:crypto';
import { expect, inject, onTestFinished, test } from 'vitest';
import { dropDatabase } from '../../local/database.ts';
import { run } from './support/command.ts';
import { connect } from './support/open.ts';

const command = new URL('../../src/cli/migrate.ts', import.meta.url);

test('the command migrates, says what it did, and can be repeated', async () => {
  const { adminUrl, password } = inject('postgres');
  const name = `kassa_command_${randomUUID().replaceAll('-', '')}`;
  const admin = await connect(adminUrl);
  await admin.query(`create database ${name} owner kassa_owner`);
  await admin.end();
  onTestFinished(() => dropDatabase(adminUrl, name));
  const url = new URL(adminUrl);
  Object.assign(url, { username: 'kassa_owner', password, pathname: `/${name}` });

  const first = await run(command, { DATABASE_OWNER_URL: url.href });
  const second = await run(command, { DATABASE_OWNER_URL: url.href });

  expect(first).toMatchObject({ code: 0, lines: [{ msg: 'the schema is the newest' }] });
  expect(first.lines[0].applied).toContain('0003-orders-and-payments');
  expect(second).toMatchObject({ code: 0, lines: [{ applied: [] }] });
});

test.each<Record<string, string>>([{}, { DATABASE_OWNER_URL: 'mysql://root:hunter2@db' }])(
  'without a database it fails by the name of the variable: %j',
  async (environment) => {
    const { code, output } = await run(command, environment);

    expect(code).toBe(1);
    expect(output).toContain('DATABASE_OWNER_URL');
    expect(output).not.toContain('hunter2');
  },
);

test('a database that does not answer makes it fail, without telling the password', async () => {
  const { code, output } = await run(command, {
    DATABASE_OWNER_URL: 'postgresql://kassa_owner:hunter2@127.0.0.1:1/kassa',
  });

  expect(code).toBe(1);
  expect(output).toContain('ECONNREFUSED');
  expect(output).not.toContain('hunter2');
});
