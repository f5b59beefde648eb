import { afterAll, expect, test } from 'vitest';
import { Slug, TenantId } from '../../src/domain/ids.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openKeys, operator } from './support/keys.ts';
import { addTenant, closeDoors, connect, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const doors = openDoors({ ...database, max: 4 });

afterAll(async () => {
  await closeDoors(doors);
  await admin.end();
  await database.drop();
});

test('a tenant whose data key is damaged waits for a rotation; the others are served and sealed', async () => {
  const mine = await addTenant(admin, 'mine');
  const { sealing, vault, directory } = await openKeys(doors.db);
  await sealing.sealPlain();
  await admin.query(
    `update data_keys set wrapped = decode(repeat('00', 60), 'hex') where tenant_id = $1`,
    [mine],
  );
  await admin.query(`update tenants set midtrans_server_key = 'SB-Mid-server-again'`);
  const other = await addTenant(admin, 'other');
  const started = await openKeys(doors.db);

  // A start, and a worker's turn.
  expect(await started.sealing.sealPlain()).toBe(1);
  await started.sealing.maintain();

  expect(await directory.find(other)).toMatchObject({ midtrans: { environment: 'sandbox' } });
  expect(await started.directory.findBySlug(Slug.parse('mine'))).toMatchObject({
    id: mine,
    midtrans: undefined,
  });
  const place = { table: 'tenants', column: 'midtrans_server_key', rowId: mine };
  await expect(started.vault.seal(mine, place, new Secret('x'))).rejects.toMatchObject({
    name: 'UnreadableSecret',
    reason: 'master-key',
  });

  await started.rotation.rotateData(operator);

  const { rows } = await admin.query(
    'select midtrans_server_key as key from tenants where id = $1',
    [mine],
  );
  expect((await vault.unseal(TenantId.parse(mine), place, rows[0]?.key)).reveal()).toBe(
    'SB-Mid-server-again',
  );
});
