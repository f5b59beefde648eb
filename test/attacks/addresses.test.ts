import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll } from 'vitest';
import { SettingsRequest } from '../../src/contracts/settings.ts';
import { bySystem } from '../../src/domain/caller.ts';
import { TenantId } from '../../src/domain/ids.ts';
import { Problem } from '../../src/domain/problems.ts';
import { createSettingsService } from '../../src/services/settings.ts';
import { attack } from './support/attack.ts';
import { openScene } from './support/scene.ts';

// Addresses of a shop that lead into our own network, in whatever spelling.

const scene = await openScene();
const { gateway, mine } = scene;
let calls = 0;
const listeners = await Promise.all(
  ['127.0.0.1', '::1'].map(async (host) => {
    const server = createServer((socket) => {
      calls += 1;
      socket.destroy();
    }).listen(0, host);
    await once(server, 'listening');
    return server;
  }),
);
afterAll(() => {
  for (const server of listeners) server.close();
});

const [port = 0] = listeners.map((server) => (server.address() as AddressInfo).port);

const hosts = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.000.000.001',
    '127.0.0.1.',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '%31%32%37.0.0.1',
  ],
  ...[
    '0.0.0.0',
    '0',
    '255.255.255.255',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.127.255.255',
    '169.254.169.254',
    '169.254.1.1',
    '192.0.0.8',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '0xa9fea9fe',
    '2852039166',
  ],
  ...[
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:a9fe:a9fe]',
    '[fe80::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[::127.0.0.1]',
    '[100::1]',
    '[2001:db8::1]',
  ],
  ...[
    'localhost',
    'localhost.',
    'LOCALHOST',
    'a.localhost',
    'localhost.localdomain',
    'printer.local',
    'db.internal',
    'metadata.google.internal',
    'metadata',
    'kubernetes.default.svc',
    'host.docker.internal',
    'intranet',
    'router.lan',
    'x.home.arpa',
    'ｌocalhost',
    'loc\u00adalhost',
  ],
];
const urls = [
  ...hosts.flatMap((host) => [`https://${host}:${port}/thanks`, `http://${host}/thanks`]),
  ...['22', '25', '5432', '6379', '11211'].map((each) => `https://127.0.0.1:${each}/`),
  ...[
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_INFO',
    'ftp://127.0.0.1/',
    'dict://127.0.0.1:11211/',
    'javascript:alert(1)',
    'data:text/html,x',
    'jar:https://shop.example!/',
    'ws://shop.example/',
    '//shop.example',
    'shop.example',
    '',
  ],
  ...[
    `https://shop.example@127.0.0.1:${port}/`,
    `https://user:password@shop.example/`,
    `https://127.0.0.1:${port}\\@shop.example/`,
    `https://shop.example\\.127.0.0.1/`,
    'https://shop.example:0x50/',
    'https:shop.example',
    'https:/\\127.0.0.1',
    'https://\t127.0.0.1/',
    'https://shop.example/\r\nX: 1',
    'https://127.0.0.1#@shop.example/',
    'https://127.0.0.1?@shop.example/',
    'https://[::1%25eth0]/',
  ],
];

/** As production has it: nobody's shop is on the developer's own machine. */
const settings = createSettingsService({
  db: gateway.wiring.db,
  directory: gateway.services.directory,
  hasLocalShops: false,
});

async function save(request: object): Promise<string | undefined> {
  const parsed = SettingsRequest.safeParse(request);
  if (!parsed.success) return undefined;
  const origin = bySystem('attack', 'attack');
  try {
    const saved = await settings.change(TenantId.parse(mine.id), { request: parsed.data, origin });
    return `it was saved: ${JSON.stringify(saved)}`;
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

attack('A10', 'no shop is inside of a network, however it is written', async (tally) => {
  for (const returnUrl of urls) tally.tried(`return to ${returnUrl}`, await save({ returnUrl }));
  tally.tried('whoever listens there', calls === 0 ? undefined : `${calls} connections`);
});

attack('A10', 'an allowed origin is a whole one, and no pattern', async (tally) => {
  const origins = [
    '*',
    'https://*',
    'https://*.shop.example',
    'null',
    'https://shop.example/path',
    'https://shop.example?x',
    'https://user@shop.example',
    'http://shop.example',
    'javascript:alert(1)',
    'file://',
    'shop.example',
    'https://',
    '//shop.example',
    'https://shop.example, https://evil.example',
    'https://shop.example https://evil.example',
    'https://shop.example\nhttps://evil.example',
    'data:',
    'chrome-extension://abc',
  ];
  for (const origin of origins) tally.tried(origin, await save({ allowedOrigins: [origin] }));
});

attack('A10', 'a good address is taken, or the rest would say little', async (tally) => {
  const saved = await save({ returnUrl: 'https://shop.example/thanks' });
  tally.tried('https://shop.example/thanks', saved ? undefined : 'it was refused');
});
