import { randomUUID } from 'node:crypto';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createPool } from '../../src/db/pools.ts';
import { checkRole } from '../../src/db/role-check.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { connect, log } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);

afterAll(async () => {
  await admin.end();
  await database.drop();
});

test.each(['app', 'platform', 'worker'] as const)('the login of %s is fit', async (name) => {
  await expect(check(database[name], `kassa_${name}`)).resolves.toBeUndefined();
});

test('a login that belongs to another pool is refused', async () => {
  await expect(check(database.platform)).rejects.toThrow('is not the one for this pool');
});

test('the login of the migrations owns the tables, and is refused', async () => {
  await expect(check(database.owner)).rejects.toThrow(/"kassa_owner" .*owns .*orders/);
});

test('a superuser is refused', async () => {
  await expect(check(database.admin)).rejects.toThrow('is a superuser');
});

test.each<[string, string, string | RegExp]>([
  ['bypassrls', '', 'has BYPASSRLS'],
  ['', 'grant kassa_owner to :role', /is a member of .*kassa_owner/],
  ['noinherit', 'grant kassa_owner to :role', /is a member of .*kassa_owner/],
  ['', 'grant pg_read_all_data to :role', 'is a member of pg_read_all_data'],
  ['', 'create table :role (id int); alter table :role owner to :role', 'owns role_'],
])('a login made with "%s" %s is refused', async (options, statement, fault) => {
  const role = `role_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create role ${role} login password 'of-a-test' ${options}`);
  onTestFinished(async () => {
    await admin.query(`drop owned by ${role}; drop role ${role}`);
  });
  await admin.query(statement.replaceAll(':role', role));
  const url = new URL(database.app);
  url.username = role;
  url.password = 'of-a-test';

  await expect(check(url.href)).rejects.toThrow(fault);
});

test('the refusal names every fault, the login to use, and no password', async () => {
  const refusal = await check(database.owner).catch((error: Error) => error.message);

  expect(refusal).toMatch(/will not start: .* Use the login kassa_app/);
  expect(refusal).not.toContain(new URL(database.owner).password);
});

async function check(url: string, login = 'kassa_app'): Promise<void> {
  const pool = createPool({ url, applicationName: 'test', max: 1, log });
  try {
    await checkRole(pool, { login });
  } finally {
    await pool.end();
  }
}
