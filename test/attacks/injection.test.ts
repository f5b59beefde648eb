import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { attack } from './support/attack.ts';
import type { Answer } from './support/client.ts';
import { crlfTexts, logTexts, sqlTexts } from './support/payloads.ts';
import {
  type Draft,
  isPassword,
  type Plan,
  plans,
  type Slot,
  withValue,
} from './support/requests.ts';
import { openScene, type Shop } from './support/scene.ts';
import { normalise, recordStatements } from './support/statements.ts';

// Text that wants to be more than text: in every place of every request that can hold one.

const scene = await openScene();
const { gateway, admin, send, draftFor } = scene;
const statements = recordStatements();

afterAll(statements.stop);

const mark = `mark${randomBytes(4).toString('hex')}`;
const sql = sqlTexts({ mark, tenantId: scene.other.id });
/** Each text in each place, with the rest of the request as it should be. */
async function* everywhere(shop: Shop, texts: readonly string[]) {
  for (const plan of plans) {
    const draft = await draftFor(shop, plan);
    // To look at a password is dear on purpose: a few texts have to do for what does not end before.
    for (const slot of plan.slots) {
      for (const text of isPassword(slot) ? texts.slice(0, 4) : texts) {
        const what = `${plan.name} ${slot.path.join('.')} = ${text}`;
        yield { what, ...(await put(draft, slot, text)) };
      }
    }
    const plain = texts.filter((each) => /^[\x20-\x7e]*$/.test(each));
    for (const text of plan.isDear ? plain.slice(0, 4) : plain) {
      const named = ['Idempotency-Key', text, 'X-Request-Id', text, 'User-Agent', text];
      const answer = await send({ ...draft, headers: [...draft.headers, ...named] });
      yield { what: `${plan.name} headers = ${text}`, text, answer };
      // Who names the tenant is looked at before any route is: once behind each kind of door.
      if (!isFirstOfItsDoor(plan)) continue;
      const query = { ...draft.query, tenant: text };
      yield {
        what: `${plan.name} tenant = ${text}`,
        text,
        answer: await send({ ...draft, query }),
      };
    }
  }
}

function isFirstOfItsDoor(plan: Plan): boolean {
  return plan === plans.find(({ access }) => access.door === plan.access.door);
}

async function put(
  draft: Draft,
  slot: Slot,
  text: string,
): Promise<{ text: string; answer: Answer }> {
  return { text, answer: await send(withValue(draft, slot, text)) };
}

attack('A06', 'no text changes a statement', async (tally) => {
  statements.take();
  const benign = ['word', '1', '', randomUUID(), 'two words', 'x'.repeat(40)];
  for (const _shop of [1, 2]) for await (const _ of everywhere(await scene.openShop(), benign));
  const known = new Set([...statements.take()].map(normalise));
  const shop = await scene.openShop();
  const catalogue = async () => (await admin.query('select count(*) from pg_class')).rows[0].count;
  const before = await catalogue();
  statements.take();
  for await (const { what, answer } of everywhere(shop, sql)) {
    const sent = statements.take();
    const changed = [...sent].find((each) => each.includes(mark) || !known.has(normalise(each)));
    const through = changed ? `sent ${changed}` : undefined;
    tally.tried(what, answer.status >= 500 ? `${answer.status}` : through);
  }
  tally.tried('the catalogue', before === (await catalogue()) ? undefined : 'it has changed');
  tally.note(`${known.size} statements known, each text in each place`);
});

attack('A17', 'no text makes a header, here or at the provider', async (tally) => {
  gateway.midtrans.calls.length = 0;
  for await (const { what, answer } of everywhere(await scene.openShop(), crlfTexts)) {
    const cookies = answer.headers['set-cookie'] ?? [];
    // Some routes give a session, whose cookies are named by us.
    const isForeign = cookies.some((cookie) => !/^(?:__Host-)?kassa_\w+=/.test(cookie));
    const isSplit = 'x-injected' in answer.headers || isForeign;
    const through = isSplit ? JSON.stringify(answer.headers) : undefined;
    tally.tried(what, answer.status >= 500 ? `${answer.status}` : through);
  }
  for (const { path, headers } of gateway.midtrans.calls) {
    const isWhole = !('x-injected' in headers) && /^\/[\x21-\x7e]*$/.test(path);
    tally.tried(`a call of the provider: ${path}`, isWhole ? undefined : JSON.stringify(headers));
  }
});

attack('A35', 'a line of the log is one JSON object, whatever was sent', async (tally) => {
  gateway.logLines.length = 0;
  for await (const { what, answer } of everywhere(await scene.openShop(), logTexts)) {
    tally.tried(what, answer.status >= 500 ? `${answer.status}` : undefined);
  }
  for (const line of gateway.logLines) tally.tried('a line', faultOfLine(line));
});

function faultOfLine(line: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
  if (!line.endsWith('\n') || /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line.slice(0, -1))) {
    return `control characters in ${JSON.stringify(line)}`;
  }
  const parsed: { msg?: string } = JSON.parse(line);
  return parsed.msg === 'forged' ? line : undefined;
}
