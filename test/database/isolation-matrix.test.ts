import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aimAt } from './support/aim.ts';
import { readers, type Target, type Verb, writers } from './support/crossing-verbs.ts';
import { eavesdrop, ownWords, wordsHeard } from './support/eavesdropper.ts';
import { escapes } from './support/escape-verbs.ts';
import { connect } from './support/open.ts';
import { openTwoTenants } from './support/two-tenants.ts';

/*
 * Table × verb × foreign row, in both directions: whatever a tenant's login is told (rows, notices,
 * errors, plans) holds no word of the other tenant's rows, and leaves them untouched and unlocked.
 */
const scene = await openTwoTenants();
const admin = await connect(scene.adminUrl);
const app = eavesdrop(scene.app);
const superuser = eavesdrop(admin);
const { tries } = scene;
const verbs = [...readers, ...writers, ...escapes];

/** What a login of the app is told when it may not, or when there is nothing to be had. */
const refusals = [
  '42501', // a right is missing, or the policy refuses
  '28000', // another tenant is set already
  '24000', // the cursor has met no row
];

afterAll(async () => {
  await admin.end();
  await scene.close();
});

describe.each(scene.tables)('in $name', (table) => {
  beforeAll(async () => {
    await scene.setUp(table);
    await admin.query(`analyze ${table.name}`);
  });

  test.each([
    ['the one', 'the other', scene.mine, scene.other],
    ['the other', 'the one', scene.other, scene.mine],
  ])('nothing of %s tenant reaches %s', async (_, __, mine, other) => {
    const target = await aimAt(scene, admin, { table, mine, other });
    const words = ownWords(await scene.bytesOf(other), await scene.bytesOf(mine));
    const strange: string[] = [];

    for (const verb of verbs) strange.push(...(await attempt(verb, { target, words })));

    // A statement that does not get as far as the wall has not tried it.
    expect(strange).toEqual([]);
  });
});

describe('where there is no wall', () => {
  let target: Target;
  let words: ReadonlySet<string>;

  beforeAll(async () => {
    const table = scene.tables.find(({ name }) => name === 'idempotency_keys');
    if (!table) throw new Error('There is no idempotency_keys.');
    const { mine, other } = scene;
    target = await aimAt(scene, admin, { table, mine, other });
    words = ownWords(await scene.bytesOf(other), await scene.bytesOf(mine));
  });

  // An ear that hears nothing would find no crossing either.
  test.each([...readers, ...writers])('%s: is noticed', async (_, statements) => {
    const look = `select ${stateOf} as state from idempotency_keys each where tenant_id = ${target.other}`;
    const statementsAndLook = [look, ...statements(target), look];

    const heard = await superuser.run(undefined, statementsAndLook, 'rollback');

    const states = [...heard.text.matchAll(/"state":("\w+"|null)/g)].map(([, state]) => state);
    const isChanged = states.length === 2 && states[0] !== states[1];
    expect(isChanged || wordsHeard(heard, words).length > 0, heard.text).toBe(true);
  });
});

/** A lock shows in `xmax`, and a row that was written again as it was in `xmin`. */
const stateOf = `md5(string_agg(concat(xmin, ' ', xmax, ' ', each::text), ' ' order by each::text))`;

async function stateIn(table: string, tenant: string): Promise<string> {
  const { rows } = await admin.query<{ state: string }>(
    `select ${stateOf} as state from ${table} each where tenant_id = $1`,
    [tenant],
  );
  return String(rows[0]?.state);
}

type Aim = { readonly target: Target; readonly words: ReadonlySet<string> };

/** Counts one try; answers what PostgreSQL said that is neither an answer nor a refusal. */
async function attempt([name, statements]: Verb, { target, words }: Aim): Promise<string[]> {
  const [mine, other] = [target.mine, target.other].map((literal) => literal.slice(1, -1));
  const before = await stateIn(target.table, String(other));
  const heard = await app.run(mine, statements(target));
  const told = wordsHeard(heard, words);
  const isChanged = (await stateIn(target.table, String(other))) !== before;
  tries.count(told.length > 0 || isChanged ? `${name}: ${told} in ${heard.text}` : undefined);
  const { code } = heard;
  return code && !refusals.includes(code) ? [`${name}: ${heard.text}`] : [];
}
