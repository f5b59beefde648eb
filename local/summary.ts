import type { Part } from './parts.ts';
import type { Secrets } from './secrets.ts';
import { demoSuperadmin, demoTenants } from './seed.ts';
import type { Settings } from './settings.ts';

/** What `.kassa/demo.json` holds, for people and for tests. */
export type Demo = {
  readonly server: string;
  readonly midtrans: string | undefined;
  readonly inbox: string | undefined;
  readonly tenants: readonly { readonly slug: string; readonly secretKey: string }[];
  readonly logins: readonly { door: string; email: string; password: string }[];
  /** Process ids by name, this start's own among them. */
  readonly processes: Readonly<Record<string, number>>;
};

type Started = {
  readonly settings: Settings;
  readonly secrets: Secrets;
  readonly parts: readonly Part[];
};

export function demoOf({ settings, secrets, parts }: Started): Demo {
  return {
    server: `http://localhost:${settings.PORT}`,
    midtrans:
      settings.MIDTRANS_EMULATOR === 'on'
        ? `http://localhost:${settings.MIDTRANS_EMULATOR_PORT}`
        : undefined,
    inbox: settings.SMTP_URL ? undefined : `http://localhost:${settings.INBOX_PORT}`,
    // A database that somebody brought gets none of the demo's merchants.
    tenants: settings.DATABASE_URL
      ? []
      : demoTenants.map(({ slug }) => ({ slug, secretKey: secrets.secretKeys[slug] ?? '' })),
    logins: settings.DATABASE_URL
      ? []
      : [
          {
            door: 'superadmin',
            email: demoSuperadmin.email,
            password: secrets.superadminPassword,
          },
          ...demoTenants.map(({ slug, owner }) => ({
            door: `owner of ${slug}`,
            email: owner.email,
            password: secrets.ownerPasswords[slug] ?? '',
          })),
        ],
    processes: {
      start: process.pid,
      ...Object.fromEntries(parts.map(({ name, pid }) => [name, pid])),
    },
  };
}

/** The table that a newcomer reads, and what to try first. */
export function describe(demo: Demo): string {
  const { port } = new URL(demo.server);
  const [first] = demo.tenants;
  const rows = [
    ...demo.tenants.map(({ slug }) => [`Shop "${slug}"`, `http://${slug}.localhost:${port}/demo`]),
    ['Mail inbox', demo.inbox ?? 'your own SMTP server'],
    ['Midtrans emulator', demo.midtrans ?? 'Midtrans itself'],
    ['API and health', `${demo.server}/health`],
    ...demo.tenants.map(({ slug, secretKey }) => [`Secret key "${slug}"`, secretKey]),
    ...demo.logins.map(({ door, email, password }) => [`Login "${door}"`, `${email}  ${password}`]),
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  const table = rows.map(([name = '', value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
  const trial = first && demo.midtrans ? tryIt(demo.server, demo.midtrans, first) : '';
  return `
Kassa is ready.

${table}
${trial}
Ctrl-C stops everything. The data stays in .kassa/ until: npm start -- --fresh
`;
}

function tryIt(server: string, midtrans: string, tenant: Demo['tenants'][number]): string {
  const { slug, secretKey } = tenant;
  const json = `-H 'Content-Type: application/json'`;
  return `
Pay an order in a browser at the first address, then look at the mail. Or by hand:

  curl -s '${server}/payment/create?tenant=${slug}' ${json} \\
    -d '{"orderId":"ORDER-1","amount":150000,"email":"you@shop.example","name":"You","paymentMethod":"bca_va"}'
  curl -s -X POST '${midtrans}/_control/orders/ORDER-1/pay' ${json} -d '{"method":"bca_va"}'
  curl -s '${server}/orders/ORDER-1/status?tenant=${slug}'
  curl -s '${server}/admin/stats' -H 'Authorization: Bearer ${secretKey}'
`;
}
