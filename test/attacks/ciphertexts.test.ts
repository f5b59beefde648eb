import { randomBytes } from 'node:crypto';
import { TenantId } from '../../src/domain/ids.ts';
import { openKeys } from '../database/support/keys.ts';
import { anOrder } from '../support/gateway.ts';
import { attack, type Tally } from './support/attack.ts';
import { openScene, type Shop } from './support/scene.ts';

// Sealed secrets that somebody moved or changed who can write to the database, and has no key.

const scene = await openScene();
const { gateway, admin, mine, other } = scene;
const prefix = 'sealed:';

async function sealedKeyOf({ id, slug }: Shop): Promise<string> {
  await gateway.tenantOf(slug);
  const { rows } = await admin.query<{ key: string }>(
    'select midtrans_server_key as key from tenants where id = $1',
    [id],
  );
  const key = rows[0]?.key ?? '';
  if (!key.startsWith(prefix)) throw new Error(`The key of ${slug} is not sealed.`);
  return key;
}

/** Puts a text in the place of the shop's key, and asks the shop to be one. */
async function expectDead(
  tally: Tally,
  shop: Shop,
  forged: readonly (readonly [string, string])[],
): Promise<void> {
  const own = await sealedKeyOf(shop);
  const set = (key: string) =>
    admin.query('update tenants set midtrans_server_key = $2 where id = $1', [shop.id, key]);
  for (const [what, text] of forged) {
    gateway.midtrans.calls.length = 0;
    await set(text);
    gateway.services.directory.forgetAll();
    const { status } = await shop.create(anOrder());
    const called = gateway.midtrans.calls.length > 0;
    tally.tried(
      what,
      status === 503 && !called
        ? undefined
        : `${status}${called ? ', and the provider was called' : ''}`,
    );
  }
  await set(own);
  gateway.services.directory.forgetAll();
  const { status } = await shop.create(anOrder());
  tally.tried('the own text again', status === 200 ? undefined : `${status}`);
}

attack('A42', 'a sealed text opens at its own place only', async (tally) => {
  await expectDead(tally, mine, [["another shop's key", await sealedKeyOf(other)]]);
  await expectDead(tally, other, [["another shop's key", await sealedKeyOf(mine)]]);
  const { rows } = await admin.query<{ value: string }>(
    'select value from platform_secrets where value like $1',
    [`${prefix}%`],
  );
  await expectDead(
    tally,
    mine,
    rows.map(({ value }, at) => [`secret ${at} of the platform`, value] as const),
  );
});

attack('A42', 'no byte of a sealed text can be another one', async (tally) => {
  const own = await sealedKeyOf(mine);
  const bytes = Buffer.from(own.slice(prefix.length), 'base64url');
  const flipped = [...bytes.keys()].map((at) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at);
    return [`byte ${at}`, `${prefix}${changed.toString('base64url')}`] as const;
  });
  await expectDead(tally, mine, flipped);
});

attack('A42', 'a sealed text that was cut, lengthened or made up is none', async (tally) => {
  const own = await sealedKeyOf(mine);
  const bytes = Buffer.from(own.slice(prefix.length), 'base64url');
  const cuts = [
    0,
    1,
    2,
    4,
    8,
    12,
    16,
    28,
    32,
    bytes.length - 16,
    bytes.length - 4,
    bytes.length - 1,
  ];
  await expectDead(tally, mine, [
    ...cuts.map(
      (at) => [`cut at ${at}`, `${prefix}${bytes.subarray(0, at).toString('base64url')}`] as const,
    ),
    ['lengthened', `${prefix}${Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url')}`],
    ['random', `${prefix}${randomBytes(bytes.length).toString('base64url')}`],
    ['no base64', `${prefix}<>`],
    ['the prefix twice', `${prefix}${own}`],
  ]);
});

attack('A42', 'a wrapped data key opens for its own shop and version only', async (tally) => {
  const shop = await scene.openShop();
  const text = await sealedKeyOf(shop);
  await sealedKeyOf(other);
  const { rows } = await admin.query<{ wrapped: Buffer }>(
    'select wrapped from data_keys where tenant_id = any ($1) order by tenant_id = $2 desc, version',
    [[shop.id, other.id], shop.id],
  );
  const [own, foreign] = rows.map(({ wrapped }) => wrapped);
  if (!own || !foreign) throw new Error('The shops have no data keys.');
  const place = { table: 'tenants', column: 'midtrans_server_key', rowId: shop.id };
  const opensWith = async (wrapped: Buffer) => {
    await admin.query('update data_keys set wrapped = $2 where tenant_id = $1', [shop.id, wrapped]);
    // Keys that were opened are remembered: a process that has just started has to open them again.
    const { vault } = await openKeys(gateway.wiring.db);
    return vault.unseal(TenantId.parse(shop.id), place, text).then(
      (secret) => secret.reveal() === shop.serverKey,
      () => false,
    );
  };
  const changed = [...own.keys()].map((at) => {
    const bytes = Buffer.from(own);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
    return [`byte ${at}`, bytes] as const;
  });
  const forged = [
    ...changed,
    ['the key of another shop', foreign] as const,
    ['a cut key', own.subarray(0, -12)] as const,
  ];
  for (const [what, wrapped] of forged) {
    tally.tried(what, (await opensWith(wrapped)) ? 'it opened' : undefined);
  }
  tally.tried('the own key again', (await opensWith(own)) ? undefined : 'it does not open');
});
