import { attack } from './support/attack.ts';
import { statusesIn } from './support/client.ts';
import { type Draft, plans, toQuestion } from './support/requests.ts';
import { openScene } from './support/scene.ts';

// Addresses, methods and headers that want a request to be read as another one.

const scene = await openScene();
const { mine, other, client, send, draftFor } = scene;
const guarded = plans.filter(({ access }) =>
  ['tenant', 'account', 'platform'].includes(access.door),
);

/** Ways to write a path that a proxy and a server may read differently. */
const spellings: readonly ((path: string) => string)[] = [
  (path) => `/${path}`,
  (path) => `//${path}`,
  (path) => `/.${path}`,
  (path) => `/x/..${path}`,
  (path) => `/livez/..${path}`,
  (path) => `/livez/%2e%2e${path}`,
  (path) => `/livez/%2E%2E%2F${path.slice(1)}`,
  (path) => `/livez/..;${path}`,
  (path) => `/livez;${path}`,
  (path) => `/livez%00${path}`,
  (path) => `/health?${path}`,
  (path) => `/health#${path}`,
  (path) => `/health%23${path}`,
  (path) => `/health%3f${path}`,
  (path) => path.replace(/^\/(\w+)/, '/$1;a=b'),
  (path) => path.replace(/^\/(\w)/, (_, first: string) => `/%${first.charCodeAt(0).toString(16)}`),
  (path) =>
    path.replace(/^\/(\w)/, (_, first: string) => `/%25${first.charCodeAt(0).toString(16)}`),
  (path) => path.replace(/\//g, '%2f').replace('%2f', '/'),
  (path) => path.replace(/\//g, '\\'),
  (path) => path.replace(/\//g, '%5c').replace('%5c', '/'),
  (path) => path.replaceAll('/', '//'),
  (path) => path.replaceAll('/', '/./'),
  (path) => path.toUpperCase(),
  (path) => `${path}/`,
  (path) => `${path}/.`,
  (path) => `${path}/..`,
  (path) => `${path}%20`,
  (path) => `${path}%00`,
  (path) => `${path}%00.css`,
  (path) => `${path}.json`,
  (path) => `${path}.css`,
  (path) => `${path};.css`,
  (path) => `${path}/x.css`,
  (path) => `${path}?x=.css`,
  (path) => `${path}%0a`,
  (path) => `${path}%c0%af`,
  (path) => `${path}%e0%80%af`,
  (path) => `${path}\t`,
];

function bare(draft: Draft): Draft {
  return { ...draft, headers: ['Content-Type', 'application/json'] };
}

attack('A39', 'however its path is written, a guarded route asks who it is', async (tally) => {
  for (const plan of guarded) {
    const { method = 'GET', path, body } = toQuestion(bare(await draftFor(mine, plan)));
    const [pathname = '', search = ''] = path.split('?');
    for (const spell of spellings) {
      const named = `tenant=${mine.slug}${search && `&${search}`}`;
      const spelled = `${spell(pathname)}${spell('').includes('?') ? '&' : '?'}${named}`;
      const heard = await client.speak(
        `${method} ${spelled} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body ?? '')}\r\n\r\n${body ?? ''}`,
      );
      const [status = 0] = statusesIn(heard);
      // Some spellings are one of the open routes; those say nothing of a shop.
      const isOpen = /"status":"ok"/.test(heard);
      const isBad = status >= 500 || (status < 400 && !isOpen);
      tally.tried(`${method} ${spelled}`, isBad ? heard.slice(0, 300) : undefined);
    }
  }
});

attack('A39', 'no path leads to a file', async (tally) => {
  const files = [
    'package.json',
    'src/app.ts',
    '.env',
    '.git/config',
    'etc/passwd',
    'proc/self/environ',
  ];
  const ways = ['/', '/demo/', '/demo/assets/', '/static/', '/public/', '/docs/', '/admin/'];
  const steps = [
    '../',
    '..%2f',
    '%2e%2e/',
    '%2e%2e%2f',
    '..%5c',
    '..\\',
    '....//',
    '%252e%252e%252f',
    '..;/',
    '%c0%ae%c0%ae/',
  ];
  for (const way of ways) {
    for (const step of steps) {
      for (const file of files) {
        const path = `${way}${step.repeat(8)}${file}`;
        const heard = await client.speak(
          `GET ${path} HTTP/1.1\r\nHost: ${mine.slug}.localhost\r\nConnection: close\r\n\r\n`,
        );
        const [status = 0] = statusesIn(heard);
        tally.tried(path, status < 400 || status >= 500 ? heard.slice(0, 300) : undefined);
      }
    }
  }
});

const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'MOVE',
  'PURGE',
];
const overrides = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'];

/** What the shop has, and who there is. */
async function standing(): Promise<string> {
  return (await scene.fingerprintOf(mine)) + (await scene.peopleFingerprint());
}

attack('A40', 'a path does what its own methods do, and nothing else', async (tally) => {
  const byPath = Map.groupBy(plans, ({ path }) => path);
  for (const [path, own] of byPath) {
    const [plan] = own;
    if (!plan) continue;
    const taken = own.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    const question = toQuestion(await draftFor(mine, plan));
    const before = await standing();
    for (const method of methods.filter((each) => !taken.includes(each))) {
      const { status, text } = await client.ask({ ...question, method });
      // The pages of shops ask beforehand whether they may ask; all others learn of no such method.
      const isPreflight = method === 'OPTIONS' && plan.access.door === 'storefront';
      const isRefused = status === 405 || (isPreflight && status === 204);
      tally.tried(`${method} ${path}`, isRefused ? undefined : `${status} ${text}`);
    }
    const isSame = before === (await standing());
    tally.tried(path, isSame ? undefined : 'something has changed');
  }
});

attack('A40', 'no header and no member stands for another method', async (tally) => {
  for (const plan of plans.filter(({ method }) => method !== 'GET')) {
    const draft = await draftFor(mine, plan);
    const before = await standing();
    for (const header of overrides) {
      const question = toQuestion(draft);
      const headers = [...(question.headers ?? []), header, plan.method];
      const path = `${question.path}${question.path.includes('?') ? '&' : '?'}_method=${plan.method}`;
      const { status, text } = await client.ask({ path, headers });
      // A GET of the same path may be a route of its own; it must have no effect.
      const isOwn = plans.some((each) => each.method === 'GET' && each.path === plan.path);
      const isRefused = isOwn ? status < 500 : status === 405;
      tally.tried(`GET ${plan.path} with ${header}`, isRefused ? undefined : `${status} ${text}`);
    }
    const isSame = before === (await standing());
    tally.tried(plan.path, isSame ? undefined : 'something has changed');
  }
});

const elsewhere = [
  'https://evil.example',
  '//evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'https:evil.example',
  '%2f%2fevil.example',
  '/%2f%2fevil.example',
  '/%5cevil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  `https://${mine.slug}.localhost.evil.example`,
  `https://${mine.slug}.localhost@evil.example`,
  '/\t/evil.example',
  '///evil.example/%2f..',
];
const names = [
  'next',
  'return',
  'returnUrl',
  'return_to',
  'redirect',
  'redirectUrl',
  'redirect_uri',
  'url',
  'continue',
  'target',
];

attack('A23', 'no route sends anybody elsewhere', async (tally) => {
  for (const plan of plans) {
    const draft = await draftFor(mine, plan);
    for (const target of elsewhere) {
      const query = { ...draft.query, ...Object.fromEntries(names.map((name) => [name, target])) };
      const headers = [
        ...draft.headers,
        'Referer',
        target.replaceAll('\t', ''),
        'X-Forwarded-Host',
        'evil.example',
      ];
      const answer = await send({ ...draft, query, headers });
      const leads = answer.headers.location ?? answer.headers.refresh ?? '';
      const isElsewhere = leads !== '' || answer.text.includes('evil.example');
      tally.tried(`${plan.name} to ${target}`, isElsewhere ? `${leads} ${answer.text}` : undefined);
    }
  }
});

attack('A23', 'no path redirects', async (tally) => {
  for (const target of elsewhere) {
    for (const path of [
      `/${target}`,
      `/demo/${target}`,
      `/demo/assets/${target}`,
      `/demo/assets/${target}/..`,
      `${target}`,
    ]) {
      const written = path.startsWith('/') ? path : `/${path}`;
      const heard = await client.speak(
        `GET ${written.replaceAll('\t', '%09')} HTTP/1.1\r\nHost: ${mine.slug}.localhost\r\nConnection: close\r\n\r\n`,
      );
      const isRedirect = /HTTP\/1\.1 3\d\d|^location:/im.test(heard);
      tally.tried(written, isRedirect ? heard.slice(0, 300) : undefined);
    }
  }
});

attack('A23', 'a page of the provider is at http or https, or none', async (tally) => {
  const plan = plans.find(({ name }) => name === 'POST /payment/create');
  if (!plan) throw new Error('There is no create.');
  for (const target of [
    'javascript:alert(1)',
    'data:text/html,x',
    '//evil.example',
    'vbscript:x',
    'file:///etc/passwd',
    ' javascript:alert(1)',
  ]) {
    scene.gateway.midtrans.answerCreates((_req, res) => {
      res
        .writeHead(201, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ token: 't', redirect_url: target }));
    });
    const { status, text } = await send(await draftFor(mine, plan));
    tally.tried(target, status < 400 ? text : undefined);
  }
  scene.gateway.midtrans.answerCreates(undefined);
});

const poisons = [
  'X-Forwarded-Host',
  'X-Forwarded-Server',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Forwarded-Scheme',
  'X-Forwarded-Prefix',
  'Forwarded',
  'X-Host',
  'X-Accel-Redirect',
  'X-Sendfile',
];

attack(
  'A38',
  'no answer may be kept, and none holds what a cache does not look at',
  async (tally) => {
    for (const plan of plans) {
      const own = await send(await draftFor(mine, plan));
      const theirs = await send(await draftFor(other, plan));
      const validators = ['*', own.headers.etag ?? '"x"', theirs.headers.etag ?? '"y"'];
      const variations = [
        ...poisons.map((name) => [name, 'evil.example']),
        ...validators.map((etag) => ['If-None-Match', etag]),
        ['Range', 'bytes=0-10'],
        ['Cache-Control', 'only-if-cached'],
      ];
      // All of them at once have to do where a password is hashed before anything is answered.
      for (const added of plan.isDear ? [variations.flat()] : variations) {
        const draft = await draftFor(mine, plan);
        const answer = await send({ ...draft, headers: [...draft.headers, ...added] });
        const kept = answer.headers['cache-control']?.includes('no-store')
          ? undefined
          : 'may be kept';
        const poisoned = /evil\.example/.test(`${answer.text}${JSON.stringify(answer.headers)}`)
          ? 'is poisoned'
          : undefined;
        const part = answer.status === 206 ? 'answers a part' : undefined;
        tally.tried(`${plan.name} with ${added.join(' ')}`, kept ?? poisoned ?? part);
      }
    }
  },
);

attack(
  'A38',
  'one address does not answer one shop with what was answered to another',
  async (tally) => {
    const canaries = await scene.canariesOf(other, mine);
    // Staff see the shops beside each other: see below.
    const reading = plans.filter(
      ({ method, access }) => method === 'GET' && access.door !== 'platform',
    );
    for (const plan of reading) {
      for (let turn = 0; turn < 5; turn += 1) {
        const [theirs, own] = await Promise.all([
          send(await draftFor(other, plan)),
          send(await draftFor(mine, plan)),
        ]);
        const leaked = canaries.find((canary) => own.text.includes(canary));
        tally.tried(`${plan.name} beside ${theirs.status}`, leaked && `it holds ${leaked}`);
      }
    }
  },
);

attack('A38', 'what staff were answered is answered to nobody else', async (tally) => {
  const canaries = await scene.canariesOf(other, mine);
  const names = [other.id, other.slug, scene.operator.id, scene.operator.email, ...canaries];
  const reading = plans.filter(
    ({ method, access }) => method === 'GET' && access.door === 'platform',
  );
  for (const plan of reading) {
    const draft = await draftFor(mine, plan);
    for (const headers of [scene.sessionOf(mine.owner), bearerOf(mine.secretKey), []]) {
      const [staffs, own] = await Promise.all([send(draft), send({ ...draft, headers })]);
      const leaked = names.find((name) => own.text.includes(name));
      const isRefused = own.status === 401 || own.status === 403;
      const what = `${plan.name} beside ${staffs.status} with ${headers[0] ?? 'nothing'}`;
      tally.tried(what, leaked ? `it holds ${leaked}` : isRefused ? undefined : own.text);
    }
  }
});

function bearerOf(key: string): readonly string[] {
  return ['Authorization', `Bearer ${key}`];
}

const formulas = [
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '=HYPERLINK("http://evil.example")',
  "=cmd|' /C calc'!A0",
];
const accepts = [
  'text/csv',
  'application/vnd.ms-excel',
  'text/html',
  '*/*',
  'application/xhtml+xml',
  'text/csv;q=0.9, */*;q=0.1',
];

attack('A20', 'a formula in a name stays data', async (tally) => {
  const shop = await scene.openShop();
  for (const name of formulas) {
    await shop.create({
      orderId: `F${Math.random().toString(36).slice(2)}`,
      amount: 10_000,
      name,
      email: `f-${Math.random()}@shop.example`,
    });
  }
  for (const plan of plans.filter(({ method }) => method === 'GET')) {
    for (const accept of accepts) {
      const draft = await draftFor(shop, plan);
      const answer = await send({ ...draft, headers: [...draft.headers, 'Accept', accept] });
      tally.tried(`${plan.name} as ${accept}`, faultOfTable(answer.text, answer.headers));
    }
  }
});

/** JSON is data; a cell of a table that begins as a formula is run by whoever opens it. */
function faultOfTable(text: string, headers: Record<string, unknown>): string | undefined {
  const type = String(headers['content-type']);
  if (headers['x-content-type-options'] !== 'nosniff') return 'may be sniffed';
  if (/^application\/(problem\+)?json/.test(type)) return undefined;
  if (!/csv|excel/.test(type)) return `is ${type}`;
  const cells = text.split(/[,;\r\n]/).map((cell) => cell.replace(/^"/, ''));
  return cells.find((cell) => /^[=+@\t]|^-\D/.test(cell));
}
