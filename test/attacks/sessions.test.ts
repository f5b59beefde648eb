import { createHmac, randomBytes } from 'node:crypto';
import {
  type PlatformRole,
  platformRoles,
  type TenantRole,
  tenantRoles,
} from '../../src/domain/access.ts';
import { hashPassword } from '../../src/services/passwords.ts';
import { attack, type Tally } from './support/attack.ts';
import { type Draft, plans } from './support/requests.ts';
import { samplePassword } from './support/samples.ts';
import { openScene } from './support/scene.ts';

// Requests that somebody else's page has a browser send, and sessions that should be dead.

const scene = await openScene();
const { gateway, admin, client, people, mine, draftFor, newMember } = scene;
const own = gateway.publicUrl;

const foreignPages: readonly (readonly string[])[] = [
  [],
  ['Origin', 'https://evil.example'],
  ['Origin', 'null'],
  ['Origin', ''],
  ['Origin', `${own}.evil.example`],
  ['Origin', own.replace('//', '//evil.')],
  ['Origin', `${own}/`],
  ['Origin', `${own}@evil.example`],
  ['Origin', 'https://evil.example', 'Origin', own],
  ['Referer', `${own}/admin`],
  ['Origin', 'https://evil.example', 'Referer', `${own}/admin`],
  ['Sec-Fetch-Site', 'cross-site'],
  ['Sec-Fetch-Site', 'same-site', 'Origin', 'https://shop.kassa.example'],
  ['Sec-Fetch-Site', 'none'],
  ['X-Forwarded-Host', 'evil.example', 'Origin', 'https://evil.example'],
];
const foreignOrigin = ['Origin', 'https://evil.example'];
const tenantRoleNames = Object.keys(tenantRoles) as TenantRole[];
const platformRoleNames = Object.keys(platformRoles) as PlatformRole[];
const forms = [
  'application/x-www-form-urlencoded',
  'text/plain',
  'multipart/form-data; boundary=x',
  '',
];

/** Of the session's own headers only the cookie: the rest is what a foreign page makes. */
function sentBy(draft: Draft, page: readonly string[]): Draft {
  const at = draft.headers.indexOf('Cookie');
  const cookie = at < 0 ? [] : draft.headers.slice(at, at + 2);
  return { ...draft, headers: [...cookie, ...page] };
}

const withCookie = plans.filter(
  ({ method, access }) =>
    method !== 'GET' && ['tenant', 'account', 'platform', 'sign-in'].includes(access.door),
);

/** What the shop has, and who there is. */
async function standing(): Promise<string> {
  return (await scene.fingerprintOf(mine)) + (await scene.peopleFingerprint());
}

/** Of whom a browser may hold a session while he looks at a foreign page. */
const visitors = [
  ...tenantRoleNames.map((role) => async () => people.member(mine, role)),
  ...platformRoleNames.map((role) => async () => people.staff(role)),
];

/** Sends requests that are to be refused, and looks whether any of them has done something. */
async function tryAll(
  tally: Tally,
  { what, drafts, refusals }: { what: string; drafts: Draft[]; refusals: readonly number[] },
): Promise<void> {
  const before = await standing();
  for (const draft of drafts) {
    const { status, text } = await scene.send(draft);
    const isRefused = refusals.includes(status);
    tally.tried(
      `${what} by ${draft.headers.join(' ')}`,
      isRefused ? undefined : `${status} ${text}`,
    );
  }
  const isSame = before === (await standing());
  tally.tried(what, isSame ? undefined : 'something has changed');
}

attack('A21', 'whoever the visitor is, a foreign page has nothing done', async (tally) => {
  const cookies: string[] = [];
  for (const visitor of visitors) cookies.push((await visitor()).cookie);
  // With a session at every door: also where a key is what programs send.
  for (const plan of withCookie.filter(({ access }) => access.door !== 'sign-in')) {
    const draft = await draftFor(mine, plan);
    const query = { ...draft.query, tenant: mine.slug };
    const drafts = cookies.map((cookie) => {
      const headers = ['Cookie', cookie, 'Content-Type', 'application/json', ...foreignOrigin];
      return { ...draft, query, headers };
    });
    await tryAll(tally, { what: plan.name, drafts, refusals: [403] });
  }
});

attack('A21', 'a foreign page has nothing done with the cookies of its visitor', async (tally) => {
  for (const plan of withCookie) {
    const draft = await draftFor(mine, plan);
    const drafts = foreignPages.map((page) =>
      sentBy(draft, ['Content-Type', 'application/json', ...page]),
    );
    // A route that takes a key is asked without one here: nobody is known, and nothing done.
    await tryAll(tally, { what: plan.name, drafts, refusals: [400, 401, 403] });
  }
});

attack('A21', 'a form of a page does nothing, wherever it stands', async (tally) => {
  for (const plan of withCookie.filter(({ hasBody }) => hasBody)) {
    const draft = await draftFor(mine, plan);
    const drafts = forms.map((type) =>
      sentBy(draft, type ? ['Content-Type', type, 'Origin', own] : ['Origin', own]),
    );
    await tryAll(tally, { what: plan.name, drafts, refusals: [400, 401, 403, 415] });
  }
});

attack('A21', 'no GET does anything', async (tally) => {
  for (const plan of plans.filter(({ method }) => method === 'GET')) {
    const draft = await draftFor(mine, plan);
    const before = await standing();
    const { status } = await scene.send(sentBy(draft, ['Origin', 'https://evil.example']));
    const isSame = before === (await standing());
    tally.tried(plan.name, isSame ? undefined : `${status}, and something has changed`);
  }
});

const session = '/api/auth/session';

async function statusOf(cookie: string, path = session): Promise<number> {
  return (await client.ask({ path, headers: ['Cookie', cookie] })).status;
}

attack('A27', 'a cookie that nobody was given opens nothing', async (tally) => {
  const person = await newMember(mine);
  const value = decodeURIComponent(person.cookie.slice(person.cookie.indexOf('=') + 1));
  const [token = '', signature = ''] = value.split('.');
  const { rows } = await admin.query('select id, token from identity.sessions where user_id = $1', [
    person.id,
  ]);
  const signedBy = (secret: string) => createHmac('sha256', secret).update(token).digest('base64');
  const forged = [
    token,
    `${token}.`,
    `${token}.${signature.slice(0, -4)}`,
    `${token}.${'A'.repeat(44)}`,
    `.${signature}`,
    `${token}x.${signature}`,
    `${token}.x${signature.slice(1)}`,
    `${token}.${signedBy('')}`,
    `${token}.${signedBy('secret')}`,
    `${token}.${signedBy(token)}`,
    `${token}.${createHmac('sha512', gateway.sessionSecret).update(token).digest('base64')}`,
    rows[0]?.token,
    rows[0]?.id,
    person.id,
    person.email,
    mine.secretKey,
    randomBytes(24).toString('base64url'),
    'null',
    'true',
    '*',
    "' or true --",
    `${token.toUpperCase()}.${signature}`,
    'a'.repeat(8_000),
  ];
  for (const each of forged) {
    for (const name of [
      'kassa_session',
      '__Host-kassa_session',
      'session',
      'better-auth.session_token',
    ]) {
      const status = await statusOf(`${name}=${encodeURIComponent(String(each))}`);
      tally.tried(
        `${name}=${String(each).slice(0, 40)}`,
        status === 401 || status === 431 || status === 400 ? undefined : `${status}`,
      );
    }
  }
  tally.tried(
    'the cookie itself',
    (await statusOf(person.cookie)) === 200 ? undefined : 'does not open',
  );
});

/** What ends a session, by whoever does it; the session is asked for at once afterwards. */
const endings: Readonly<
  Record<string, (person: Awaited<ReturnType<typeof newMember>>) => Promise<unknown>>
> = {
  'signing out': ({ post }) => post('/api/auth/sign-out'),
  'another session that ends all others': async ({ id }) => {
    const cookie = (await signInAgain(id)).cookie;
    return client.ask({
      method: 'DELETE',
      path: '/api/auth/sessions',
      headers: ['Cookie', cookie, 'Origin', own],
    });
  },
  'a password that another session changed': async ({ id }) => {
    const { cookie } = await signInAgain(id);
    return client.ask({
      method: 'POST',
      path: '/api/auth/password/change',
      headers: ['Cookie', cookie, 'Origin', own, 'Content-Type', 'application/json'],
      body: JSON.stringify({
        currentPassword: samplePassword,
        newPassword: 'another Dv9!kqzLm2#wTx7pR',
      }),
    });
  },
  'an end that has come': ({ id }) =>
    admin.query(
      `update identity.sessions set expires_at = now() - interval '1 s' where user_id = $1`,
      [id],
    ),
};

async function signInAgain(userId: string): Promise<{ readonly cookie: string }> {
  const token = randomBytes(24).toString('base64url');
  await admin.query(
    `insert into identity.sessions (id, user_id, token, expires_at, confirmed_at)
     values (gen_random_uuid(), $1, $2, now() + interval '1 day', now())`,
    [userId, token],
  );
  const signature = createHmac('sha256', gateway.sessionSecret).update(token).digest('base64');
  return { cookie: `kassa_session=${encodeURIComponent(`${token}.${signature}`)}` };
}

attack('A27', 'what ended is dead with the next request, however many are sent', async (tally) => {
  for (const [what, end] of Object.entries(endings)) {
    const person = await newMember(mine);
    tally.tried(
      `before ${what}`,
      (await statusOf(person.cookie)) === 200 ? undefined : 'it was dead before',
    );
    await end(person);
    const statuses = await Promise.all(Array.from({ length: 50 }, () => statusOf(person.cookie)));
    for (const status of statuses) tally.tried(what, status === 401 ? undefined : `${status}`);
  }
});

attack('A27', 'a right that was taken is gone with the next request', async (tally) => {
  const look = `/admin/settings?tenant=${mine.slug}`;
  const member = await people.member(mine, 'admin');
  const losses: readonly (readonly [string, string, readonly unknown[]])[] = [
    [
      'the membership',
      'delete from memberships where tenant_id = $1 and user_id = $2',
      [mine.id, member.id],
    ],
  ];
  tally.tried(
    'before',
    (await statusOf(member.cookie, look)) === 200 ? undefined : 'it was gone before',
  );
  for (const [what, text, values] of losses) {
    await admin.query(text, [...values]);
    const statuses = await Promise.all(
      Array.from({ length: 50 }, () => statusOf(member.cookie, look)),
    );
    for (const status of statuses)
      tally.tried(what, status === 404 || status === 403 ? undefined : `${status}`);
  }
  const shop = await scene.openShop();
  await admin.query(`update tenants set status = 'suspended' where id = $1`, [shop.id]);
  const statuses = await Promise.all(
    Array.from({ length: 50 }, () =>
      statusOf(shop.owner.cookie, `/admin/settings?tenant=${shop.slug}`),
    ),
  );
  for (const status of statuses) tally.tried('the shop', status === 403 ? undefined : `${status}`);
  const staff = await people.staff('superadmin');
  await admin.query('delete from identity.platform_members where user_id = $1', [staff.id]);
  const after = await statusOf(staff.cookie, '/api/superadmin/staff');
  tally.tried('the role on the platform', after === 403 ? undefined : `${after}`);
});

attack('A27', 'a session is new at each sign-in, whatever the browser brought', async (tally) => {
  const person = await newMember(mine);
  for (const brought of [
    'kassa_session=fixed',
    person.cookie,
    'kassa_session=a.b; __Host-kassa_session=a.b',
  ]) {
    const { status, headers } = await client.ask({
      method: 'POST',
      path: '/api/auth/sign-in',
      headers: ['Cookie', brought, 'Origin', own, 'Content-Type', 'application/json'],
      body: JSON.stringify({ email: person.email, password: samplePassword }),
    });
    const given = (headers['set-cookie'] ?? []).find((each) => /kassa_session=/.test(each)) ?? '';
    const isNew = status === 200 && given !== '' && !brought.includes(given.split(';')[0] ?? '-');
    tally.tried(brought.slice(0, 40), isNew ? undefined : `${status} ${given}`);
    const isGuarded =
      /; HttpOnly/i.test(given) &&
      /; SameSite=(Lax|Strict)/i.test(given) &&
      /; Path=\//i.test(given) &&
      !/; Domain=/i.test(given);
    tally.tried('its cookie', isGuarded ? undefined : given);
  }
});

attack('A27', 'behind https the cookie is the host’s own', async (tally) => {
  const https = await openScene({ PUBLIC_URL: 'https://kassa.example' });
  const person = await https.newMember(https.mine);
  const { status, headers, text } = await https.client.ask({
    method: 'POST',
    path: '/api/auth/sign-in',
    headers: [
      'Host',
      'kassa.example',
      'Origin',
      'https://kassa.example',
      'Content-Type',
      'application/json',
    ],
    body: JSON.stringify({ email: person.email, password: samplePassword }),
  });
  const cookies = headers['set-cookie'] ?? [];
  tally.tried(
    'the sign-in',
    status === 200 && cookies.length > 0 ? undefined : `${status} ${text}`,
  );
  for (const cookie of cookies) {
    const isOwn =
      /^__Host-/.test(cookie) &&
      /; Secure/i.test(cookie) &&
      /; HttpOnly/i.test(cookie) &&
      /; SameSite=(Lax|Strict)/i.test(cookie) &&
      !/; Domain=/i.test(cookie) &&
      /; Path=\/(;|$)/i.test(cookie);
    tally.tried(cookie.split('=')[0] ?? '', isOwn ? undefined : cookie.replace(/=[^;]*/, '=…'));
  }
});

attack('A24', 'accounts that are and are not are told alike', async (tally) => {
  const known = (await newMember(mine, await hashPassword(samplePassword))).email;
  const questions: Readonly<Record<string, (email: string) => object>> = {
    '/api/auth/sign-in': (email) => ({ email, password: 'a password that is wrong' }),
    '/api/auth/sign-up': (email) => ({ email, name: 'A', password: samplePassword }),
    '/api/auth/password/forgot': (email) => ({ email }),
    '/api/auth/verify-email/send': (email) => ({ email }),
  };
  for (const [path, bodyOf] of Object.entries(questions)) {
    const times = { known: [] as number[], unknown: [] as number[] };
    for (let turn = 0; turn < 10; turn += 1) {
      const unknown = `nobody-${randomBytes(6).toString('hex')}@people.example`;
      const [one, two] = [await ask(path, bodyOf(known)), await ask(path, bodyOf(unknown))];
      times.known.push(one.ms);
      times.unknown.push(two.ms);
      const shapes = [one, two].map(
        ({ status, text }) => `${status} ${text.replace(/"requestId":"[^"]*"/, '')}`,
      );
      tally.tried(path, shapes[0] === shapes[1] ? undefined : shapes.join(' | '));
    }
    const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
    const [first, second] = [median(times.known), median(times.unknown)];
    tally.note(`${path}: known ${first.toFixed(1)} ms, unknown ${second.toFixed(1)} ms`);
    const isAlike = Math.abs(first - second) <= Math.max(20, 0.5 * Math.max(first, second));
    tally.tried(`${path}, time`, isAlike ? undefined : `${first} and ${second} ms`);
  }
});

function ask(path: string, body: object) {
  return client.ask({
    method: 'POST',
    path,
    headers: ['Origin', own, 'Content-Type', 'application/json'],
    body: JSON.stringify(body),
  });
}
