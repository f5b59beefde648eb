import { readdir, readFile } from 'node:fs/promises';
import { afterAll, expect } from 'vitest';
import { startInbox } from '../../emulators/inbox/inbox.ts';
import { anOrder } from '../support/gateway.ts';
import { testMasterKeys } from '../support/master-keys.ts';
import { startProcess } from '../support/server-process.ts';
import { attack } from './support/attack.ts';
import { startRealServer } from './support/real-server.ts';
import { plans } from './support/requests.ts';

// Secrets in what leaves the process, whoever put them where: its log, its answers, its arguments,
// its children and its database.

const sessionSecret = 'canary-session-secret-3f1c9a7be2d84406';
const real = await startRealServer({ SESSION_SECRET: sessionSecret });
const { client, slug, secretKey, serverKey, admin, database } = real;
const inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
let workerLog = '';
const worker = await startProcess('worker', {
  database,
  settings: {
    LOG_LEVEL: 'debug',
    PUBLIC_URL: 'https://kassa.example',
    MIDTRANS_BASE_URL: real.midtrans.url,
    SESSION_SECRET: sessionSecret,
    SMTP_URL: inbox.smtpUrl,
  },
  onOutput: (text) => {
    workerLog += text;
  },
});
afterAll(async () => {
  await worker.kill('SIGKILL');
  await inbox.close();
  await real.close();
});

const canaries: Readonly<Record<string, string>> = {
  'the secret key': secretKey,
  'the key of the provider': serverKey,
  'the secret of sessions': sessionSecret,
  'the master key': testMasterKeys.slice(testMasterKeys.indexOf(':') + 1),
  'a password of the database': new URL(database.app).password,
  'a password that was tried': 'canary-password-5be20c7d',
  'a card number': '4811111111111114',
};

const auth = ['Authorization', `Bearer ${secretKey}`];
const json = ['Content-Type', 'application/json'];

/** Puts the secrets where they do not belong, as people do. */
async function spill(): Promise<string[]> {
  const heard: string[] = [];
  const ask = async (question: Parameters<typeof client.ask>[0]) => {
    const { text, headers } = await client.ask(question);
    heard.push(`${text} ${JSON.stringify(headers)}`);
  };
  for (const plan of plans) {
    const path = `${plan.path.replace(/:\w+/g, 'A')}?tenant=${slug}`;
    await ask({ method: plan.method, path, headers: [...auth, ...json], body: '{}' });
    await ask({
      method: plan.method,
      path,
      headers: [...json, 'Origin', 'https://kassa.example'],
      body: JSON.stringify({
        email: 'a@shop.example',
        password: canaries['a password that was tried'],
      }),
    });
    for (const canary of Object.values(canaries)) {
      const written = encodeURIComponent(canary);
      // What nobody can tell from an order's name is not looked for where order names are logged.
      const hasForm = /^(sk_|SB-Mid|4811)/.test(canary);
      await ask({
        method: plan.method,
        path: plan.path.replace(/:\w+/g, hasForm ? written : 'A'),
        headers: ['Authorization', `Bearer ${canary}`, 'Cookie', `kassa_session=${written}`],
      });
      await ask({
        method: plan.method,
        path: `${path}&key=${written}`,
        headers: [
          'X-API-Key',
          canary,
          'Referer',
          `https://x:${written}@shop.example/`,
          'User-Agent',
          canary,
        ],
      });
      await ask({
        method: plan.method,
        path,
        headers: [...auth, ...json],
        body: JSON.stringify({ orderId: canary, reason: { canary }, note: canary }),
      });
    }
  }
  return heard;
}

attack('A36', 'no secret is in the log or an answer', async (tally) => {
  real.midtrans.answerCreates((req) => void req.socket.destroy());
  await client.ask({
    method: 'POST',
    path: `/payment/create?tenant=${slug}`,
    headers: json,
    body: JSON.stringify(anOrder()),
  });
  real.midtrans.answerCreates(
    (_req, res) => void res.writeHead(401).end(JSON.stringify({ error_messages: [serverKey] })),
  );
  await client.ask({
    method: 'POST',
    path: `/payment/create?tenant=${slug}`,
    headers: json,
    body: JSON.stringify(anOrder()),
  });
  // Where the rest of a request is as it should be, a number of a card is refused for itself.
  const card = canaries['a card number'];
  for (const order of [{ name: card }, { orderId: card }, { name: `My card ${card}` }]) {
    const { status } = await client.ask({
      method: 'POST',
      path: `/payment/create?tenant=${slug}`,
      headers: json,
      body: JSON.stringify(anOrder(order)),
    });
    tally.tried(JSON.stringify(order), status === 400 ? undefined : `${status}`);
  }
  const answers = await spill();
  const log = real.output() + workerLog;
  for (const [what, canary] of Object.entries(canaries)) {
    const line = log.split('\n').find((each) => each.includes(canary));
    tally.tried(`${what} in the log`, line);
    for (const answer of answers)
      tally.tried(`${what} in an answer`, answer.includes(canary) ? answer : undefined);
  }
  tally.note(
    `${log.split('\n').length} lines of log, ${answers.length} answers, ${Object.keys(canaries).length} secrets`,
  );
});

attack('A36', 'no secret is an argument, or what a child is given', async (tally) => {
  const pids = [real.pid, worker.pid];
  const children = (await Promise.all(pids.map(childrenOf))).flat();
  const places = [
    ...[...pids, ...children].map((pid) => `/proc/${pid}/cmdline`),
    ...children.map((pid) => `/proc/${pid}/environ`),
  ];
  for (const place of places) {
    const text = await readFile(place, 'utf8');
    for (const [what, canary] of Object.entries(canaries))
      tally.tried(`${what} in ${place}`, text.includes(canary) ? text : undefined);
  }
  tally.note(`${pids.length} processes with ${children.length} children`);
});

/** Whom a process has started, whichever of its threads did. */
async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

attack('A36', 'no secret is in a mail', async (tally) => {
  const people = ['new', 'known'].map((name) => `${name}-${Date.now()}@shop.example`);
  const [, known = ''] = people;
  const password = canaries['a password that was tried'];
  const page = [...json, 'Origin', 'https://kassa.example', 'Host', 'kassa.example'];
  const post = (path: string, body: object) =>
    client.ask({ method: 'POST', path, headers: page, body: JSON.stringify(body) });
  real.midtrans.answerCreates(undefined);
  const asked = [
    ...(await Promise.all(
      people.map((email) => post('/api/auth/sign-up', { email, name: 'A', password })),
    )),
    await post('/api/auth/password/forgot', { email: known }),
    await post('/api/auth/verify-email/send', { email: known }),
    await post(`/payment/create?tenant=${slug}`, anOrder({ email: known })),
  ];
  for (const { status, text } of asked)
    tally.tried('what is mailed', status === 200 ? undefined : `${status} ${text}`);
  const mails = async (): Promise<object[]> =>
    (await (await fetch(`${inbox.url}/_control/messages`)).json()) as object[];
  // Two who signed up, a reset, a verification, and the order.
  await expect.poll(async () => (await mails()).length).toBeGreaterThanOrEqual(5);
  for (const mail of await mails()) {
    const text = JSON.stringify(mail);
    for (const [what, canary] of Object.entries(canaries))
      tally.tried(`${what} in a mail`, text.includes(canary) ? text : undefined);
  }
  tally.note(`${(await mails()).length} mails, by a worker of its own`);
});

attack('A35', 'every line that the process wrote is one JSON object', async (tally) => {
  for (const line of (real.output() + workerLog).split('\n').filter(Boolean)) {
    tally.tried('a line', isObject(line) ? undefined : line);
  }
});

function isObject(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

attack('A36', 'no secret is in the database as it is', async (tally) => {
  const { rows: tables } = await admin.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  );
  for (const { name } of tables) {
    for (const [what, canary] of Object.entries(canaries)) {
      const { rows } = await admin.query(
        // As it is, and as columns of bytes are written.
        `select t::text from ${name} t
          where strpos(t::text, $1) > 0 or strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0
          limit 1`,
        [canary],
      );
      tally.tried(`${what} in ${name}`, rows[0] && JSON.stringify(rows[0]));
    }
  }
});
