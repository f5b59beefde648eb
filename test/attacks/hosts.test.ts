import { describe } from 'vitest';
import { attack } from './support/attack.ts';
import { statusesIn } from './support/client.ts';
import { openScene } from './support/scene.ts';

// What a request says of its host and its tenant, from an address that is no proxy of ours.

const scene = await openScene({ TRUSTED_PROXIES: '10.9.9.0/24' });
const { mine, other, client } = scene;
const ownHost = `${mine.slug}.localhost`;
const foreignHost = `${other.slug}.localhost`;

/** Every tenant that some answer in what a socket heard names. */
function tenantsIn(heard: string): string[] {
  return [...heard.matchAll(/"tenant":"([^"]*)"/g)].map(([, slug = '']) => slug);
}

/** What got through: an answer for the other shop, or one of its orders. */
function crossed(heard: string): string | undefined {
  if (statusesIn(heard).some((status) => status >= 500)) return heard.slice(0, 200);
  if (tenantsIn(heard).includes(other.slug)) return `answered for ${other.slug}`;
  if (heard.includes(`"orderId":"${other.paidOrder}"`)) return 'showed an order of the other shop';
  return undefined;
}

const targets = ['/health', `/orders/${other.paidOrder}/status`, '/admin/customers'];
const key = `Authorization: Bearer ${mine.secretKey}\r\n`;

function headOf(target: string, head: string): string {
  return `GET ${target} HTTP/1.1\r\n${head}${target.startsWith('/admin') ? key : ''}Connection: close\r\n\r\n`;
}

const slug = other.slug;
const spoofs: readonly string[] = [
  `X-Tenant-Slug: ${slug}`,
  `x-tenant-slug: ${slug}`,
  `X-TENANT-SLUG: ${slug.toUpperCase()}`,
  `X-Tenant-Slug: ${slug} `,
  `X-Tenant-Slug:\t${slug}`,
  `X-Tenant-Slug: ${mine.slug}\r\nX-Tenant-Slug: ${slug}`,
  `X-Tenant-Slug: ${slug}\r\nX-Tenant-Slug: ${slug}`,
  `X-Tenant-Slug: ${mine.slug}, ${slug}`,
  `X-Tenant-Slug: ${slug}\r\nX-Forwarded-For: 127.0.0.1`,
  `X-Tenant-Slug: ${slug}\r\nX-Real-IP: 10.9.9.1\r\nX-Forwarded-For: 10.9.9.1`,
  `X-Tenant-Slug: ${slug}\r\nForwarded: for=10.9.9.1;host=${foreignHost};proto=https`,
  `X_Tenant_Slug: ${slug}`,
  `X.Tenant.Slug: ${slug}`,
  `X-Tenant: ${slug}`,
  `X-Tenant-Id: ${other.id}`,
  `Tenant: ${slug}`,
  `X-Forwarded-Host: ${foreignHost}`,
  `X-Forwarded-Server: ${foreignHost}`,
  `X-Original-Host: ${foreignHost}`,
  `X-Host: ${foreignHost}`,
  `Forwarded: host=${foreignHost}`,
  `X-Original-URL: /health?tenant=${slug}`,
  `X-Rewrite-URL: /health?tenant=${slug}`,
  `Referer: http://${foreignHost}/`,
  `Origin: http://${foreignHost}`,
  `Cookie: tenant=${slug}; X-Tenant-Slug=${slug}`,
  `Connection: X-Tenant-Slug\r\nX-Tenant-Slug: ${slug}`,
];

describe('from outside', () => {
  attack('A03', 'no header names the tenant', async (tally) => {
    for (const host of [ownHost, 'localhost']) {
      for (const target of targets) {
        for (const spoof of spoofs) {
          const heard = await client.speak(headOf(target, `Host: ${host}\r\n${spoof}\r\n`));
          tally.tried(`${target} at ${host} with ${JSON.stringify(spoof)}`, crossed(heard));
        }
      }
    }
  });

  attack('A03', 'nor does a trailer', async (tally) => {
    for (const target of targets) {
      const heard = await client.speak(
        `GET ${target} HTTP/1.1\r\nHost: ${ownHost}\r\nTransfer-Encoding: chunked\r\n` +
          `Trailer: X-Tenant-Slug\r\n${key}Connection: close\r\n\r\n0\r\nX-Tenant-Slug: ${slug}\r\n\r\n`,
      );
      tally.tried(`${target} with a trailer`, crossed(heard));
    }
  });

  /** Hosts that look like the other shop's, and are not. */
  const tricks: readonly string[] = [
    `Host: ${ownHost}\r\nHost: ${foreignHost}`,
    `Host: ${ownHost}, ${foreignHost}`,
    `Host: ${ownHost}\r\nhost: ${foreignHost}`,
    `Host: ${foreignHost}.${ownHost}`,
    `Host: ${slug}.${ownHost}`,
    `Host: ${slug}@${ownHost}`,
    `Host: ${ownHost}@${foreignHost}`,
    `Host: ${ownHost}#${foreignHost}`,
    `Host: ${ownHost}?.${foreignHost}`,
    `Host: ${ownHost}/.${foreignHost}`,
    `Host: ${ownHost}\\.${foreignHost}`,
    `Host: ${ownHost}:80@${foreignHost}`,
    `Host: ${foreignHost}.evil.example`,
    `Host: evil.example/${foreignHost}`,
    `Host: ${slug}`,
    `Host: ${slug}.localhos`,
    `Host: ${slug}localhost`,
    `Host: ${slug}.LOCALHOST.evil`,
    `Host: ${slug}.localhost..`,
    `Host: ..${slug}.localhost.x`,
    `Host: ${slug}.xn--localhost-`,
    `Host: ${slug}.ｌocalhost`,
    `Host: ${slug}。localhost`,
    `Host: ${slug}.localhost\0.${ownHost}`,
    `Host: ${slug}.localhost %00.x`,
    'Host: ',
    'Host: localhost',
    'Host: [::1]',
    'Host: 127.0.0.1',
  ];

  attack('A04', 'a host that is not exactly a shop is not that shop', async (tally) => {
    for (const target of targets) {
      for (const trick of tricks) {
        const heard = await client.speak(headOf(target, `${trick}\r\n`));
        tally.tried(`${target} with ${JSON.stringify(trick)}`, crossed(heard));
      }
    }
  });

  attack('A04', 'an absolute target does not change the tenant', async (tally) => {
    const absolutes = [
      `http://${foreignHost}/health`,
      `http://${foreignHost}:${client.port}/health`,
      `https://${foreignHost}/health`,
      `HTTP://${foreignHost.toUpperCase()}/health`,
      `//${foreignHost}/health`,
      `http://${ownHost}@${foreignHost}/health`,
      `*`,
      `${foreignHost}:80`,
    ];
    for (const target of absolutes) {
      for (const host of [ownHost, 'localhost']) {
        const heard = await client.speak(headOf(target, `Host: ${host}\r\n`));
        tally.tried(`${target} at ${host}`, crossed(heard));
      }
    }
  });

  attack('A04', 'spellings of one host are one tenant, or none', async (tally) => {
    const spellings = [
      ownHost,
      ownHost.toUpperCase(),
      `${ownHost}.`,
      `${ownHost}:80`,
      `${ownHost}.:443`,
      `${ownHost}:`,
    ];
    for (const host of spellings) {
      const heard = await client.speak(headOf('/health', `Host: ${host}\r\n`));
      const [status = 0] = statusesIn(heard);
      const isOne = tenantsIn(heard).every((tenant) => tenant === mine.slug);
      const isRefused = status === 400 || status === 421 || status === 404;
      tally.tried(host, isOne || isRefused ? undefined : heard.slice(0, 300));
    }
  });

  attack('A04', 'names that contradict each other are refused', async (tally) => {
    for (const search of [
      `tenant=${slug}`,
      `tenant=${mine.slug}&tenant=${slug}`,
      `tenant=${slug}&tenant=${slug}`,
    ]) {
      for (const target of targets) {
        const heard = await client.speak(headOf(`${target}?${search}`, `Host: ${ownHost}\r\n`));
        tally.tried(`${target}?${search}`, crossed(heard));
      }
    }
  });
});
