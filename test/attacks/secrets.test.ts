import { readFile } from 'node:fs/promises';
import { afterAll } from 'vitest';
import { anOrder } from '../support/gateway.ts';
import { testMasterKeys } from '../support/master-keys.ts';
import { attack } from './support/attack.ts';
import { startRealServer } from './support/real-server.ts';
import { plans } from './support/requests.ts';

// Secrets in what leaves the process, whoever put them where: its log, its answers, its arguments,
// its children and its database.

const sessionSecret = 'canary-session-secret-3f1c9a7be2d84406';
const real = await startRealServer({ SESSION_SECRET: sessionSecret });
const { client, slug, secretKey, serverKey, admin, database } = real;
afterAll(real.close);

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

attack('A36', 'no secret is in the log, an answer, an argument or a child', async (tally) => {
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
  const answers = await spill();
  const log = real.output();
  const processes = await Promise.all(
    ['cmdline', `task/${real.pid}/children`].map((name) =>
      readFile(`/proc/${real.pid}/${name}`, 'utf8'),
    ),
  );
  for (const [what, canary] of Object.entries(canaries)) {
    const line = log.split('\n').find((each) => each.includes(canary));
    tally.tried(`${what} in the log`, line);
    for (const [name, text] of [
      ['an argument', processes[0] ?? ''],
      ['the environment of a child', processes[1] ?? ''],
    ] as const) {
      tally.tried(`${what} in ${name}`, text.includes(canary) ? text : undefined);
    }
    for (const answer of answers)
      tally.tried(`${what} in an answer`, answer.includes(canary) ? answer : undefined);
  }
  tally.note(
    `${log.split('\n').length} lines of log, ${answers.length} answers, ${Object.keys(canaries).length} secrets`,
  );
});

attack('A35', 'every line that the process wrote is one JSON object', async (tally) => {
  for (const line of real.output().split('\n').filter(Boolean)) {
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
        `select t::text from ${name} t where strpos(t::text, $1) > 0 limit 1`,
        [canary],
      );
      tally.tried(`${what} in ${name}`, rows[0] && JSON.stringify(rows[0]));
    }
  }
});
