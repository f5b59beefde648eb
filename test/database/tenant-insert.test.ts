import { afterAll, afterEach, expect, test } from 'vitest';
import { Slug } from '../../src/domain/ids.ts';
import { createTenantDirectory } from '../../src/services/tenants.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openKeys } from './support/keys.ts';
import { closeDoors, connect, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const owner = await connect(database.owner);
const doors = openDoors(database);
const { accounts } = await openKeys(doors.db);

afterEach(async () => {
  await owner.query('delete from tenants');
});
afterAll(async () => {
  await closeDoors(doors);
  await owner.end();
  await database.drop();
});

test('a tenant is added by one plain insert, and can be paid at once', async () => {
  await owner.query(`insert into tenants (slug, name, midtrans_server_key)
    values ('buatfilm', 'Buat Film', 'SB-Mid-server-abc')`);

  const tenant = await find('buatfilm');

  expect(tenant).toMatchObject({
    slug: 'buatfilm',
    name: 'Buat Film',
    status: 'active',
    locale: 'id',
    currency: 'IDR',
    timeZone: 'Asia/Jakarta',
    maxOrdersPerMonth: 1_000,
    paymentExpiryMinutes: 1_440,
    midtrans: { environment: 'sandbox', merchantId: undefined },
  });
  expect(tenant?.midtrans?.serverKey.reveal()).toBe('SB-Mid-server-abc');
});

test.each([
  ['starter', 1_000],
  ['pro', 20_000],
  ['enterprise', undefined],
  ['small', 1_000],
  ['medium', 20_000],
])('a tenant of plan %s may have %s orders a month', async (plan, limit) => {
  await owner.query(`insert into tenants (slug, name, plan) values ('shop', 'Shop', $1)`, [plan]);

  expect(await find('shop')).toMatchObject({ maxOrdersPerMonth: limit });
});

test("a tenant's own limit comes before that of the plan", async () => {
  await owner.query(`insert into tenants (slug, name, plan, max_orders_per_month)
    values ('one', 'One', 'pro', 5), ('two', 'Two', 'enterprise', 7), ('six', 'Six', 'small', 9)`);

  expect(await find('one')).toMatchObject({ maxOrdersPerMonth: 5 });
  expect(await find('two')).toMatchObject({ maxOrdersPerMonth: 7 });
  expect(await find('six')).toMatchObject({ maxOrdersPerMonth: 9 });
});

test('an empty server key is none', async () => {
  await owner.query(
    `insert into tenants (slug, name, midtrans_server_key) values ('shop', 'Shop', '')`,
  );

  expect(await find('shop')).toMatchObject({ midtrans: undefined });
});

test.each(['abc', 'a-b', '0ab', `a${'b'.repeat(62)}`])('"%s" is a slug', async (slug) => {
  await owner.query(`insert into tenants (slug, name) values ($1, 'Shop')`, [slug]);

  expect(await find(slug)).toMatchObject({ slug });
});

test.each([
  ['slug', '', 'tenants_slug_form'],
  ['slug', 'ab', 'tenants_slug_form'],
  ['slug', 'Shop', 'tenants_slug_form'],
  ['slug', '-shop', 'tenants_slug_form'],
  ['slug', 'shop-', 'tenants_slug_form'],
  ['slug', 'my_shop', 'tenants_slug_form'],
  ['slug', 'my.shop', 'tenants_slug_form'],
  ['slug', 'shop\n', 'tenants_slug_form'],
  ['slug', 'shöp', 'tenants_slug_form'],
  ['slug', 'a'.repeat(64), 'tenants_slug_form'],
  ['slug', 'taken', 'tenants_slug_key'],
  ['status', 'Active', 'tenants_status_known'],
  ['status', 'deleted', 'tenants_status_known'],
  ['plan', 'gold', 'tenants_plan_fkey'],
  ['placement', 'elsewhere', 'tenants_placement_known'],
  ['midtrans_environment', 'prod', 'tenants_midtrans_environment_known'],
  ['locale', 'xx', 'tenants_locale_known'],
  ['midtrans_server_key', ' SB-Mid-server-1', 'tenants_midtrans_server_key_form'],
  ['midtrans_server_key', 'SB-Mid-server-1\t', 'tenants_midtrans_server_key_form'],
  ['currency', 'rp', 'tenants_currency_known'],
  ['currency', 'MYR', 'tenants_currency_known'],
  ['time_zone', 'Asia/Jakrta', 'tenants_time_zone_known'],
  ['time_zone', 'WIB', 'tenants_time_zone_known'],
  ['return_url', 'shop.example/thanks', 'tenants_return_url_form'],
  ['return_url', 'https://shop.example/a b', 'tenants_return_url_form'],
  ['email_from', 'no mail', 'tenants_email_from_form'],
  ['email_reply_to', 'Shop <a@b.example>', 'tenants_email_reply_to_form'],
  ['slug', 'admin', 'tenants_slug_not_reserved'],
  ['max_orders_per_month', 0, 'tenants_limit_positive'],
  ['payment_expiry_minutes', 4, 'tenants_payment_expiry_range'],
  ['payment_expiry_minutes', 10_081, 'tenants_payment_expiry_range'],
])('%s "%s" is refused by %s', async (column, value, constraint) => {
  await owner.query(`insert into tenants (slug, name) values ('taken', 'Taken')`);
  const row = { slug: 'shop', name: 'Shop', [column]: value };

  const names = Object.keys(row).join(', ');
  const insert = owner.query(
    `insert into tenants (${names}) select ${names}
       from json_populate_record(null::tenants, $1)`,
    [JSON.stringify(row)],
  );

  await expect(insert).rejects.toMatchObject({ constraint });
});

function find(slug: string) {
  return createTenantDirectory({ db: doors.db, accounts }).findBySlug(Slug.parse(slug));
}
