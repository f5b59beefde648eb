import { limits } from '../../src/domain/limits.ts';
import { anOrder } from '../support/gateway.ts';
import { attack, type Tally } from './support/attack.ts';
import { statusesIn } from './support/client.ts';
import { openScene, type Scene } from './support/scene.ts';

// Ways to look like somebody else to whoever counts. Nobody here stands behind a proxy of ours.

const scene = await openScene({ RATE_LIMITS: 'on', TRUSTED_PROXIES: '10.9.9.0/24' });
const { mine } = scene;

/** Another request each time that is the same one. */
const disguises: readonly ((at: number) => { readonly headers: string; readonly path: string })[] =
  [
    (at) => ({ headers: `X-Forwarded-For: 203.0.113.${at % 250}\r\n`, path: '' }),
    (at) => ({ headers: `X-Forwarded-For: 127.0.0.1, 203.0.113.${at % 250}\r\n`, path: '' }),
    (at) => ({ headers: `X-Real-IP: 203.0.113.${at % 250}\r\n`, path: '' }),
    (at) => ({ headers: `Forwarded: for=203.0.113.${at % 250}\r\n`, path: '' }),
    (at) => ({ headers: `Forwarded: for="[2001:db8:0:${at.toString(16)}::1]"\r\n`, path: '' }),
    (at) => ({
      headers: `X-Client-IP: 203.0.113.${at % 250}\r\nTrue-Client-IP: 203.0.113.${at % 250}\r\nCF-Connecting-IP: 203.0.113.${at % 250}\r\n`,
      path: '',
    }),
    (at) => ({
      headers: `User-Agent: browser ${at}\r\nX-Request-Id: request-${at}-00000000\r\n`,
      path: '',
    }),
    () => ({ headers: 'X-HTTP-Method-Override: GET\r\n', path: '' }),
    (at) => ({ headers: '', path: `&x=${at}` }),
    (at) => ({ headers: `Cookie: session=${at}\r\n`, path: '' }),
    (at) => ({
      headers: `Origin: https://shop-${at}.example\r\nReferer: https://shop-${at}.example/\r\n`,
      path: '',
    }),
  ];

const paths = ['/payment/create', '/payment/create/', '/PAYMENT/create', '/payment/Create'];

attack(
  'A05',
  'nobody opens more payments than an address may, however he is dressed',
  async (tally) => {
    const { points } = limits['create-address'];
    let opened = 0;
    for (let at = 0; at < points * 5; at += 1) {
      const { headers, path } = disguises[at % disguises.length]?.(at) ?? { headers: '', path: '' };
      const slug = at % 2 === 0 ? mine.slug : mine.slug.toUpperCase();
      const body = JSON.stringify(anOrder());
      const heard = await scene.client.speak(
        `POST ${paths[at % paths.length]}?tenant=${slug}${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        4_000,
      );
      if (statusesIn(heard)[0] === 200) opened += 1;
      tally.tried(`create ${at}`, opened <= points ? undefined : `${opened} were opened`);
    }
    tally.note(`${opened} of ${points * 5} were opened, ${points} may be`);
  },
);

attack('A05', 'nobody tries more keys than an address may', async (tally) => {
  await guess(tally, scene);
});

async function guess(tally: Tally, { client }: Scene): Promise<void> {
  const { points } = limits['key-failures-address'];
  let looked = 0;
  for (let at = 0; at < points * 4; at += 1) {
    const { headers, path } = disguises[at % disguises.length]?.(at) ?? { headers: '', path: '' };
    const key = `sk_test_${String(at).padStart(48, '0')}`;
    const heard = await client.speak(
      `GET /admin/stats?y=1${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}Authorization: Bearer ${key}\r\n\r\n`,
      4_000,
    );
    if (statusesIn(heard)[0] === 401) looked += 1;
    tally.tried(`key ${at}`, looked <= points ? undefined : `${looked} were looked at`);
  }
  const [status] = statusesIn(
    await client.speak(
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      4_000,
    ),
  );
  tally.tried('a probe afterwards', status === 200 ? undefined : `${status}`);
  tally.note(`${looked} of ${points * 4} keys were looked at, ${points} may be`);
}
