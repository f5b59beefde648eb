import {
  grantScopes,
  type PlatformRole,
  platformRoles,
  type Scope,
  type TenantRole,
  tenantRoles,
} from '../../src/domain/access.ts';
import type { Person } from '../support/people.ts';
import { attack } from './support/attack.ts';
import { type Plan, plans } from './support/requests.ts';
import { openScene } from './support/scene.ts';

// People who want to do what others may. Who may do what is tried against a table written by hand in
// test/gateway/matrix.test.ts; here nobody gets further than his role says, with real sessions.

const scene = await openScene();
const { people, mine, other, send, draftFor, sessionOf } = scene;

async function askAs(plan: Plan, cookie: readonly string[]) {
  const draft = await draftFor(mine, plan);
  const query = { ...draft.query, tenant: mine.slug };
  return send({ ...draft, query, headers: ['Content-Type', 'application/json', ...cookie] });
}

attack('A02', 'no member does what another role may', async (tally) => {
  for (const role of Object.keys(tenantRoles) as TenantRole[]) {
    const scopes: readonly Scope[] = tenantRoles[role];
    for (const plan of plans) {
      if (plan.access.door !== 'tenant' || scopes.includes(plan.access.scope)) continue;
      const { status, text } = await askAs(plan, sessionOf(await people.member(mine, role)));
      tally.tried(`${plan.name} as ${role}`, status === 403 ? undefined : `${status} ${text}`);
    }
  }
});

attack('A02', 'nobody of another shop, and nobody of none, does anything here', async (tally) => {
  for (const plan of plans.filter(({ access }) => access.door === 'tenant')) {
    for (const person of [other.owner, await people.user(), scene.operator]) {
      const { status, text } = await askAs(plan, sessionOf(person));
      const isRefused = status === 403 || status === 404;
      tally.tried(`${plan.name} as a stranger`, isRefused ? undefined : `${status} ${text}`);
    }
  }
});

attack('A02', 'staff that was let in looks, and touches nothing', async (tally) => {
  const staff = await people.staff('superadmin');
  await scene.admin.query(
    `insert into support_grants (tenant_id, user_id, reason, expires_at)
     values ($1, $2, 'A reason for an attack', now() + interval '1 h')`,
    [mine.id, staff.id],
  );
  for (const plan of plans) {
    if (plan.access.door !== 'tenant' || grantScopes.includes(plan.access.scope)) continue;
    const { status, text } = await askAs(plan, sessionOf(staff));
    tally.tried(plan.name, status === 403 ? undefined : `${status} ${text}`);
  }
});

attack('A02', 'nobody does for the platform what his role there does not say', async (tally) => {
  type Somebody = {
    readonly role: string;
    readonly scopes: readonly string[];
    readonly person: Person;
  };
  const staff: Somebody[] = await Promise.all(
    (Object.keys(platformRoles) as PlatformRole[]).map(async (role) => ({
      role,
      scopes: platformRoles[role],
      person: await people.staff(role),
    })),
  );
  const others: Somebody[] = [mine.owner, mine.viewer].map((person) => ({
    role: 'no role',
    scopes: [],
    person,
  }));
  for (const plan of plans) {
    if (plan.access.door !== 'platform') continue;
    const scope: string = plan.access.scope;
    for (const { role, scopes, person } of [...staff, ...others]) {
      if (scopes.includes(scope)) continue;
      const { status, text } = await askAs(plan, sessionOf(person));
      tally.tried(`${plan.name} as ${role}`, status === 403 ? undefined : `${status} ${text}`);
    }
    const bare = await people.staff('superadmin', { hasSecondFactor: false });
    const { status, text } = await askAs(plan, sessionOf(bare));
    const what = `${plan.name} without a second factor`;
    tally.tried(what, status === 403 ? undefined : `${status} ${text}`);
  }
});

attack('A02', 'what is hard to undo wants a password that was just given', async (tally) => {
  for (const plan of plans) {
    if (!('isSensitive' in plan.access) || !plan.access.isSensitive) continue;
    const stale = await people.user({ hasSecondFactor: true }, { isFresh: false });
    await people.join(stale, mine, 'owner');
    await scene.admin.query(
      `insert into identity.platform_members (user_id, role) values ($1, 'superadmin')`,
      [stale.id],
    );
    const { status, text } = await askAs(plan, sessionOf(stale));
    const isRefused = status === 403 && text.includes('confirmation-required');
    tally.tried(plan.name, isRefused ? undefined : `${status} ${text}`);
  }
});
