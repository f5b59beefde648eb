import { afterAll, expect, test } from 'vitest';
import type { TenantRole } from '../../src/domain/access.ts';
import { anOrder, startGateway } from '../support/gateway.ts';
import { signInMember } from '../support/signed-in.ts';

const gateway = await startGateway();
const developers = await startGateway({ NODE_ENV: 'development' });
afterAll(async () => {
  await developers.close();
  await gateway.close();
});

/** A merchant, and its owner at the settings. */
async function shop(at = gateway, columns: Record<string, unknown> = {}) {
  const merchant = await at.merchant(columns);
  const { headers: owner } = await signInMember(at, merchant, { role: 'owner' });
  const put = (body: unknown, headers: Record<string, string> = {}) =>
    at.send('/admin/settings', {
      method: 'PUT',
      headers: { ...owner, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const settings = async () => {
    const { body } = await at.send('/admin/settings', { headers: owner });
    return body.settings;
  };
  const audits = async () => {
    const { rows } = await at.admin.query<{ action: string; before: string; after: string }>(
      'select action, before, after from audit_entries where tenant_id = $1 order by seq',
      [merchant.id],
    );
    return rows.map(({ action, before, after }) => ({
      action,
      before: JSON.parse(before),
      after: JSON.parse(after),
    }));
  };
  const member = async (role: TenantRole, isFresh = true) =>
    (await signInMember(at, merchant, { role, isFresh })).headers;
  return { ...merchant, put, settings, audits, member };
}

const defaults = {
  allowedOrigins: [],
  createRequiresKey: false,
  returnUrl: null,
  emailFrom: null,
  emailReplyTo: null,
  requiresSecondFactor: false,
};

test('settings are read, changed in part, and taken away by null', async () => {
  const { put, settings } = await shop();
  expect(await settings()).toEqual(defaults);

  const changed = await put({
    allowedOrigins: ['https://Shop.example/', 'https://shop.example', 'http://localhost:5173'],
    returnUrl: 'https://shop.example/thanks',
    emailFrom: 'Buat Film <orders@shop.example>',
    emailReplyTo: 'help@shop.example',
  });
  const inPart = await put({ createRequiresKey: true, emailReplyTo: null });

  const expected = {
    allowedOrigins: ['https://shop.example', 'http://localhost:5173'],
    createRequiresKey: false,
    returnUrl: 'https://shop.example/thanks',
    emailFrom: 'Buat Film <orders@shop.example>',
    emailReplyTo: 'help@shop.example',
    requiresSecondFactor: false,
  };
  expect(changed).toMatchObject({ status: 200, body: { success: true, settings: expected } });
  const after = { ...expected, createRequiresKey: true, emailReplyTo: null };
  expect(inPart.body.settings).toEqual(after);
  expect(await settings()).toEqual(after);
});

test('a change holds from the next request on', async () => {
  const { put, create, slug } = await shop();
  const page = { Origin: 'https://shop.example', 'Content-Type': 'application/json' };
  const ofPage = () =>
    gateway.send(`/payment/create?tenant=${slug}`, {
      method: 'POST',
      headers: page,
      body: JSON.stringify(anOrder()),
    });
  // The tenant is remembered from here on.
  expect((await ofPage()).status).toBe(403);

  await put({ allowedOrigins: ['https://shop.example'] });
  expect((await ofPage()).status).toBe(200);

  await put({ createRequiresKey: true });
  expect((await create(anOrder())).status).toBe(401);
});

test('what changed is written down with before and after, and what did not change is not', async () => {
  const { put, audits } = await shop();

  await put({ createRequiresKey: true, returnUrl: 'https://shop.example/a' });
  await put({ createRequiresKey: true });
  await put({ returnUrl: null });

  expect(await audits()).toEqual([
    {
      action: 'settings.changed',
      before: { createRequiresKey: false, returnUrl: null },
      after: { createRequiresKey: true, returnUrl: 'https://shop.example/a' },
    },
    {
      action: 'settings.changed',
      before: { returnUrl: 'https://shop.example/a' },
      after: { returnUrl: null },
    },
  ]);
});

test.each([
  ['allowedOrigins.0', { allowedOrigins: ['null'] }],
  ['allowedOrigins.0', { allowedOrigins: ['*'] }],
  ['allowedOrigins.0', { allowedOrigins: ['https://*.shop.example'] }],
  ['allowedOrigins.1', { allowedOrigins: ['https://a.example', 'https://b.example/path'] }],
  ['allowedOrigins.0', { allowedOrigins: ['http://shop.example'] }],
  ['allowedOrigins.0', { allowedOrigins: [7] }],
  ['allowedOrigins.0', { allowedOrigins: [`https://${'a'.repeat(300)}.example`] }],
  ['allowedOrigins', { allowedOrigins: 'https://shop.example' }],
  ['allowedOrigins', { allowedOrigins: Array(21).fill('https://shop.example') }],
  ['allowedOrigins', { allowedOrigins: null }],
  ['createRequiresKey', { createRequiresKey: 'yes' }],
  ['requiresSecondFactor', { requiresSecondFactor: null }],
  ['emailFrom', { emailFrom: 'nobody' }],
  ['emailFrom', { emailFrom: 'Shop <a@b.example>, c@d.example' }],
  ['emailFrom', { emailFrom: 'Shop <a@b.example>\r\nBcc: c@d.example' }],
  ['emailFrom', { emailFrom: 'a@b.example\u0000' }],
  ['emailReplyTo', { emailReplyTo: 'Shop <a@b.example>' }],
  ['emailReplyTo', { emailReplyTo: 'a@b.example,c@d.example' }],
  ['emailReplyTo', { emailReplyTo: '' }],
  ['body', { slug: 'other' }],
  ['body', { plan: 'enterprise' }],
  ['body', { midtransServerKey: 'x' }],
])('a wrong %s is refused: %j', async (field, body) => {
  const { put, settings, audits } = await shop();

  const answer = await put(body);

  expect(answer.status).toBe(400);
  // NUL is refused before any field is looked at.
  if (!JSON.stringify(body).includes('u0000')) {
    expect(answer.body.errors?.map((error) => error.field)).toContain(field);
  }
  expect(await settings()).toEqual(defaults);
  expect(await audits()).toEqual([]);
});

const neverShops = [
  'shop.example',
  '//shop.example',
  'javascript:alert(1)',
  'data:text/html,hi',
  'file:///etc/passwd',
  'ftp://shop.example',
  'https:shop.example',
  'https:///shop.example',
  'https:/\\shop.example',
  'https://shop.example\\@evil.example',
  'https://user@shop.example',
  'https://user:word@shop.example',
  'https://shop.example/a b',
  'https://shop.example/\r\nSet-Cookie: a=b',
  'https://shop.example/\u0007',
  'https://',
  'https://127.0.0.1',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://①②⑦.⓪.⓪.①/',
  'https://[::1]:8443/',
  'https://[::ffff:127.0.0.1]/',
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/',
  'https://192.168.1.1/',
  'https://0.0.0.0/',
  `https://shop.example/${'a'.repeat(2_000)}`,
  `https://shop.example/${'å'.repeat(1_000)}`,
];

test.each(neverShops)(
  'shoppers are not sent back to "%s", wherever Kassa runs',
  async (returnUrl) => {
    for (const at of [gateway, developers]) {
      const { put, settings } = await shop(at);

      const answer = await put({ returnUrl });

      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
      expect(answer.body.errors?.map((error) => error.field)).toEqual(['returnUrl']);
      expect(await settings()).toEqual(defaults);
    }
  },
);

test.each([
  'http://shop.example/thanks',
  'http://shop.localhost:3010/demo/order',
  'https://shop.localhost/',
  'https://localhost/',
  'https://localhost./',
  'https://printer.local/',
  'https://metadata.google.internal/',
  'https://redis/',
])('shoppers are sent back to "%s" on a developer’s machine only', async (returnUrl) => {
  const outside = await (await shop()).put({ returnUrl });
  const inside = await (await shop(developers)).put({ returnUrl });

  expect(outside).toMatchObject({ status: 400, body: { errors: [{ field: 'returnUrl' }] } });
  expect(inside).toMatchObject({ status: 200, body: { settings: { returnUrl } } });
});

test('a return address is kept as browsers read it', async () => {
  const { put } = await shop();

  const { body } = await put({ returnUrl: 'HTTPS://Bücher.Example:443/danke?von=kassa#oben' });

  expect(body.settings).toMatchObject({
    returnUrl: 'https://xn--bcher-kva.example/danke?von=kassa#oben',
  });
});

test('every sender that the settings take, the database takes', async () => {
  const { put, settings } = await shop();
  for (const emailFrom of ['a@b.example', 'A, B & "C" <a@b.example>', '<a@b.example>']) {
    expect((await put({ emailFrom })).status).toBe(200);
    expect(await settings()).toMatchObject({ emailFrom });
  }
});

test('a member of one tenant neither sees nor changes the settings of another', async () => {
  const victim = await shop(gateway, { email_reply_to: 'victim@shop.example' });
  const stranger = await shop();
  const before = await victim.settings();

  const answer = await stranger.put({ emailReplyTo: 'stranger@shop.example' });

  expect(answer.status).toBe(200);
  expect(await victim.settings()).toEqual(before);
  expect(JSON.stringify(await stranger.settings())).not.toContain('victim');
});

test('settings want the right, and a change a password that was just given', async () => {
  const { put, secretKey, member } = await shop();
  const body = { createRequiresKey: true };
  const key = { Authorization: `Bearer ${secretKey}` };

  expect((await gateway.send('/admin/settings', { headers: await member('viewer') })).status).toBe(
    200,
  );
  expect((await gateway.send('/admin/settings', { headers: key })).status).toBe(200);
  expect((await gateway.send(`/admin/settings?tenant=none`)).status).toBe(404);
  for (const headers of [await member('viewer'), await member('finance'), key]) {
    expect(await put(body, headers)).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  }
  expect(await put(body, await member('admin', false))).toMatchObject({
    status: 403,
    body: { code: 'confirmation-required' },
  });
  expect((await put(body, await member('admin'))).status).toBe(200);
});

test('a tenant may demand a second factor of its members, from the next request on', async () => {
  const { put, member } = await shop();
  const colleague = await member('viewer');
  const look = () => gateway.send('/admin/settings', { headers: colleague });
  expect((await look()).status).toBe(200);

  const { body } = await put({ requiresSecondFactor: true });

  expect(body.settings).toMatchObject({ requiresSecondFactor: true });
  expect(await look()).toMatchObject({ status: 403, body: { code: 'second-factor-required' } });
});

test('only an owner says that a second factor is needed, or that it is not', async () => {
  const { put, member, settings } = await shop();
  const admin = await member('admin');

  for (const requiresSecondFactor of [true, false]) {
    const answer = await put({ requiresSecondFactor }, admin);
    expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  }

  expect(await settings()).toEqual(defaults);
  expect((await put({ createRequiresKey: true }, admin)).status).toBe(200);
});

test('under one Idempotency-Key a change is made once', async () => {
  const { put, settings } = await shop();
  const headers = { 'Idempotency-Key': 'change-1' };

  await put({ returnUrl: 'https://shop.example/first' }, headers);
  await put({ returnUrl: 'https://shop.example/second' });
  const again = await put({ returnUrl: 'https://shop.example/first' }, headers);

  expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  expect(await settings()).toMatchObject({ returnUrl: 'https://shop.example/second' });
});
