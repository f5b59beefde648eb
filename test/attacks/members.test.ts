import { randomBytes, randomUUID } from 'node:crypto';
import { attack, type Tally } from './support/attack.ts';
import { type Draft, plans, withValue } from './support/requests.ts';
import { openScene, type Shop } from './support/scene.ts';

// Members of bodies and queries that nobody asked for.

const scene = await openScene();
const { admin, send, draftFor } = scene;

const bombs = [
  '"__proto__":{"polluted":1}',
  '"constructor":{"prototype":{"polluted":1}}',
  '"prototype":{"polluted":1}',
  '"a":{"__proto__":{"polluted":1}}',
  '"a":[{"b":{"constructor":{"prototype":{"polluted":1}}}}]',
  '"\\u005f_proto__":{"polluted":1}',
];
const pollutingNames = [
  '__proto__',
  '__proto__[polluted]',
  'constructor[prototype][polluted]',
  'constructor.prototype.polluted',
  '__proto__.polluted',
];

attack('A41', 'nothing reaches a prototype', async (tally) => {
  const shop = await scene.openShop();
  for (const plan of plans) {
    const draft = await draftFor(shop, plan);
    if (typeof draft.body === 'object') await throwBombs(tally, draft, draft.body);
    for (const name of pollutingNames) {
      const query = Object.fromEntries([...Object.entries(draft.query), [name, 'polluted']]);
      tallyPollution(tally, `${plan.name}?${name}`, (await send({ ...draft, query })).status);
    }
    for (const slot of plan.slots) {
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
        const { status } = await send(withValue(draft, slot, name));
        tallyPollution(tally, `${plan.name} ${slot.path.join('.')} = ${name}`, status);
      }
    }
  }
});

async function throwBombs(tally: Tally, draft: Draft, members: object): Promise<void> {
  for (const bomb of bombs) {
    const comma = Object.keys(members).length === 0 ? '' : ',';
    const body = JSON.stringify(members).replace('{', `{${bomb}${comma}`);
    const { status } = await send({ ...draft, body });
    tally.tried(`${draft.plan.name} with ${bomb}`, status === 400 ? pollution() : `${status}`);
  }
}

function tallyPollution(tally: Tally, what: string, status: number): void {
  tally.tried(what, status >= 500 ? `${status}` : pollution());
}

/** The gateway runs in this process: what it did to a prototype shows here. */
function pollution(): string | undefined {
  return 'polluted' in {} || 'polluted' in [] ? 'a prototype is polluted' : undefined;
}

attack('A29', 'members that nobody asked for change nothing', async (tally) => {
  const shop = await scene.openShop();
  const planted = {
    id: randomUUID(),
    text: `planted-${randomBytes(6).toString('hex')}`,
    number: 918_273_645,
  };
  const extra: Record<string, unknown> = {
    ...Object.fromEntries(idNames.map((name) => [name, planted.id])),
    ...Object.fromEntries(numberNames.map((name) => [name, planted.number])),
    ...Object.fromEntries(textNames.map((name) => [name, planted.text])),
    ...Object.fromEntries(flagNames.map((name) => [name, true])),
    status: 'paid',
    role: 'superadmin',
    plan: 'enterprise',
    scopes: ['team:write', 'secrets:write'],
    tenant: { id: scene.other.id, slug: scene.other.slug },
  };
  const other = await scene.fingerprintOf(scene.other);
  const standing = await standingOf(shop);
  for (const plan of plans) {
    const draft = await draftFor(shop, plan);
    if (typeof draft.body !== 'object') continue;
    const own = new Set(plan.slots.map(({ path }) => path[0]));
    // All of them at once have to do where a password is hashed before anything is written.
    const single = plan.isDear ? [] : Object.entries(extra);
    for (const [name, value] of [...single, ['all of them', undefined]]) {
      const added = value === undefined ? extra : { [String(name)]: value };
      const foreign = Object.entries(added).filter(([each]) => !own.has(each));
      if (foreign.length === 0) continue;
      const fresh = await draftFor(shop, plan);
      const body = { ...Object.fromEntries(foreign), ...(fresh.body as object) };
      const { status } = await send({ ...fresh, body });
      tally.tried(`${plan.name} with ${name}`, status >= 500 ? `${status}` : undefined);
    }
  }
  for (const found of await findPlanted(Object.values(planted).map(String)))
    tally.tried('rows', found);
  const isSame = other === (await scene.fingerprintOf(scene.other));
  tally.tried('the other shop', isSame ? undefined : 'it has changed');
  const now = await standingOf(shop);
  tally.tried('what the shop is', now === standing ? undefined : `${now}, not ${standing}`);
});

const idNames = [
  'id',
  'tenant_id',
  'tenantId',
  'customerId',
  'customer_id',
  'paymentId',
  'payment_id',
  'userId',
  'user_id',
  'refundId',
  'providerReference',
  'provider_reference',
];
const numberNames = [
  'paidAmount',
  'capturedAmount',
  'captured_amount',
  'refundedAmount',
  'refunded_amount',
  'fee',
  'customerFee',
  'discount',
  'attempt',
  'version',
  'max_orders_per_month',
];
const textNames = [
  'createdAt',
  'created_at',
  'updated_at',
  'resolved_by',
  'resolvedBy',
  'source',
  'currency',
  'token',
  'redirectUrl',
  'key_hash',
  'midtrans_server_key',
  'business_day',
  'content_hash',
  'detail',
  'provider',
];
const flagNames = [
  'isAdmin',
  'is_admin',
  'isPaid',
  'verified',
  'emailVerified',
  'isSensitive',
  'skipSignature',
  'dryRun',
  'debug',
];

/** What no request of this test may change: the shop itself, and how much of its money is paid. */
async function standingOf({ id }: Shop): Promise<string> {
  const { rows } = await admin.query(
    `select (select md5(t::text) from tenants t where id = $1) as shop,
            (select count(*)::int from orders where tenant_id = $1 and status = 'paid') as paid`,
    [id],
  );
  return JSON.stringify(rows[0]);
}

async function findPlanted(marks: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const { name } of scene.tables) {
    const { rows } = await admin.query<{ text: string }>(
      `select t::text as text from ${name} t where ${marks.map((_, at) => `t::text like $${at + 1}`).join(' or ')} limit 5`,
      marks.map((each) => `%${each}%`),
    );
    found.push(...rows.map(({ text }) => `${name}: ${text}`));
  }
  return found;
}
