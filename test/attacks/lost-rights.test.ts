import { createHash, randomBytes } from 'node:crypto';
import { keyScopes, type Scope, tenantRoles } from '../../src/domain/access.ts';
import type { Person } from '../support/people.ts';
import { attack, type Tally } from './support/attack.ts';
import { type Plan, plans } from './support/requests.ts';
import { openScene, type Shop } from './support/scene.ts';

// What was taken away is gone with the next request, on every route: sessions, keys, roles, grants.

const scene = await openScene();
const { admin, people, send, draftFor, sessionOf } = scene;

/** Somebody, or a program, before and after a loss. */
type Holder = {
  readonly shop: Shop;
  readonly headers: readonly string[];
  readonly lose: () => Promise<unknown>;
};
type Loss = {
  readonly doors: readonly string[];
  /** What a holder may say afterwards is refused by. */
  readonly refusals: readonly number[];
  /** What is not lost, although something else is. */
  readonly keeps?: readonly string[];
  readonly hold: () => Promise<Holder>;
};

const doorsOfPeople = ['tenant', 'account', 'platform'];

/** Somebody who may do everything everywhere, which a dead session must not. */
async function mighty(shop: Shop): Promise<Person> {
  const person = await people.staff('superadmin');
  await people.join(person, shop, 'owner');
  return person;
}

const sessionLoss = (lose: (person: Person) => Promise<unknown>): Loss => ({
  doors: doorsOfPeople,
  refusals: [401],
  async hold() {
    const shop = await scene.openShop();
    const person = await mighty(shop);
    return { shop, headers: sessionOf(person), lose: () => lose(person) };
  },
});

const touch = (text: string) => (id: string) => admin.query(text, [id]);

/** A key of a shop, and what becomes of it: `$1` is its hash. */
const keyLoss = (text: string, loss: Pick<Loss, 'refusals' | 'keeps'>): Loss => ({
  doors: ['tenant'],
  ...loss,
  async hold() {
    const shop = await scene.openShop();
    const key = `sk_test_${randomBytes(24).toString('hex')}`;
    const hash = createHash('sha256').update(key).digest();
    await admin.query(
      `insert into api_keys (tenant_id, prefix, key_hash) values ($1, 'sk_test_', $2)`,
      [shop.id, hash],
    );
    const headers = ['Authorization', `Bearer ${key}`];
    return { shop, headers, lose: () => admin.query(text, [hash]) };
  },
});

/** A member of a shop or of the staff: `$1` is his id. */
const memberLoss = (text: string, loss: Omit<Loss, 'hold'>): Loss => ({
  ...loss,
  async hold() {
    const shop = await scene.openShop();
    const person = await mighty(shop);
    return { shop, headers: sessionOf(person), lose: () => touch(text)(person.id) };
  },
});

const losses: Readonly<Record<string, Loss>> = {
  'a session that was signed out': sessionLoss(({ post }) => post('/api/auth/sign-out')),
  'a session that was ended from another': sessionLoss(({ sessionId }) =>
    touch('delete from identity.sessions where id = $1')(sessionId),
  ),
  'a session whose time is up': sessionLoss(({ id }) =>
    touch(`update identity.sessions set expires_at = now() - interval '1 s' where user_id = $1`)(
      id,
    ),
  ),
  'a session that nobody used for long': sessionLoss(({ id }) =>
    touch(
      `update identity.sessions set last_used_at = now() - interval '90 days' where user_id = $1`,
    )(id),
  ),
  'a user who was shut out': sessionLoss(({ id }) =>
    touch('update identity.users set disabled_at = now() where id = $1')(id),
  ),
  'a key that was revoked': keyLoss('update api_keys set revoked_at = now() where key_hash = $1', {
    refusals: [401],
  }),
  'a key whose time is up': keyLoss(
    `update api_keys set expires_at = now() - interval '1 s' where key_hash = $1`,
    { refusals: [401] },
  ),
  'a key that was narrowed': keyLoss(
    `update api_keys set scopes = '{orders:status}' where key_hash = $1`,
    { refusals: [403], keeps: ['orders:status'] },
  ),
  'a key of a shop that was suspended': keyLoss(
    `update tenants set status = 'suspended'
      where id = (select tenant_id from api_keys where key_hash = $1)`,
    { refusals: [403] },
  ),
  'a membership': memberLoss('delete from memberships where user_id = $1', {
    doors: ['tenant'],
    refusals: [403, 404],
  }),
  'a role that became the least': memberLoss(
    `update memberships set role = 'viewer' where user_id = $1`,
    { doors: ['tenant'], refusals: [403], keeps: tenantRoles.viewer },
  ),
  'a shop that was suspended': memberLoss(
    `update tenants set status = 'suspended'
      where id in (select tenant_id from memberships where user_id = $1)`,
    { doors: ['tenant'], refusals: [403] },
  ),
  'a place among the staff': memberLoss(
    'delete from identity.platform_members where user_id = $1',
    { doors: ['platform'], refusals: [403] },
  ),
  'a role among the staff that became the least': memberLoss(
    `update identity.platform_members set role = 'viewer' where user_id = $1`,
    { doors: ['platform'], refusals: [403], keeps: ['tenants:read', 'grants:read'] },
  ),
  'a second factor': memberLoss(
    'update identity.users set two_factor_enabled = false where id = $1',
    { doors: ['platform'], refusals: [403] },
  ),
  'a grant that was ended': grantLoss('update support_grants set ended_at = now()'),
  'a grant whose time is up': grantLoss(
    `update support_grants set created_at = now() - interval '2 h', expires_at = now() - interval '1 s'`,
  ),
};

/** Staff that was let into a shop. */
function grantLoss(text: string): Loss {
  return {
    doors: ['tenant'],
    refusals: [403, 404],
    async hold() {
      const shop = await scene.openShop();
      const person = await people.staff('support');
      await admin.query(
        `insert into support_grants (tenant_id, user_id, reason, expires_at)
         values ($1, $2, 'A reason for an attack', now() + interval '1 h')`,
        [shop.id, person.id],
      );
      const lose = () => admin.query(`${text} where user_id = $1`, [person.id]);
      return { shop, headers: sessionOf(person), lose };
    },
  };
}

/** What the holder could do until then, or the loss would say nothing. */
const proofs: Readonly<Record<string, string>> = {
  tenant: '/admin/settings',
  account: '/api/auth/session',
  platform: '/api/superadmin/support-grants',
};

attack('A27', 'what was taken away is gone on every route', async (tally) => {
  for (const [what, loss] of Object.entries(losses)) {
    const { shop, headers, lose } = await loss.hold();
    for (const door of loss.doors) {
      const path = `${proofs[door]}${door === 'tenant' ? `?tenant=${shop.slug}` : ''}`;
      const { status, text } = await scene.client.ask({ path: pathFor(path, headers), headers });
      tally.tried(`${what}, before`, status === 200 ? undefined : `${status} ${text}`);
    }
    await lose();
    for (const plan of plans) await tryAfter(tally, { what, plan, loss, shop, headers });
  }
});

/** A key names its shop itself. */
function pathFor(path: string, headers: readonly string[]): string {
  return headers[0] === 'Authorization' ? path.replace(/\?.*/, '') : path;
}

type After = {
  readonly what: string;
  readonly plan: Plan;
  readonly loss: Loss;
  readonly shop: Shop;
  readonly headers: readonly string[];
};

async function tryAfter(tally: Tally, { what, plan, loss, shop, headers }: After): Promise<void> {
  const { access } = plan;
  if (!loss.doors.includes(access.door)) return;
  if ('scope' in access && loss.keeps?.includes(access.scope)) return;
  const draft = await draftFor(scene.mine, plan);
  const isKey = headers[0] === 'Authorization';
  const { tenant: _other, ...query } = draft.query;
  const named = access.door === 'tenant' && !isKey ? { ...query, tenant: shop.slug } : query;
  const type = ['Content-Type', 'application/json'];
  const { status, text } = await send({ ...draft, query: named, headers: [...type, ...headers] });
  // A key never does what is kept for people.
  const isForPeople = isKey && access.door === 'tenant' && !isForKeys(access.scope);
  const isRefused = loss.refusals.includes(status) || (isForPeople && status === 403);
  tally.tried(`${what}: ${plan.name}`, isRefused ? undefined : `${status} ${text}`);
}

function isForKeys(scope: Scope): boolean {
  return keyScopes.includes(scope);
}

attack('A02', 'no key does what its scopes do not say, on any route', async (tally) => {
  const shop = await scene.openShop();
  for (const scope of keyScopes) {
    const key = `sk_test_${randomBytes(24).toString('hex')}`;
    await admin.query(
      `insert into api_keys (tenant_id, prefix, key_hash, scopes) values ($1, 'sk_test_', $2, $3)`,
      [shop.id, createHash('sha256').update(key).digest(), [scope]],
    );
    for (const plan of plans) {
      const { access } = plan;
      if (access.door === 'open' || access.door === 'provider' || access.door === 'sign-in')
        continue;
      if ('scope' in access && access.scope === scope) continue;
      const draft = await draftFor(shop, plan);
      const { tenant: _own, ...query } = draft.query;
      const headers = ['Content-Type', 'application/json', 'Authorization', `Bearer ${key}`];
      const { status, text } = await send({ ...draft, query, headers });
      // Accounts and the platform are people's: there nobody is known by a key.
      const isRefused =
        status === (access.door === 'tenant' || access.door === 'storefront' ? 403 : 401);
      tally.tried(`${plan.name} with ${scope}`, isRefused ? undefined : `${status} ${text}`);
    }
  }
});
