import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import {
  endings,
  type KeyedAnswer,
  type ScriptedRoutes,
  startScriptedRoutes,
} from '../support/scripted-routes.ts';

let gateway: Gateway;
let routes: ScriptedRoutes;

beforeAll(async () => {
  gateway = await startGateway();
  routes = await startScriptedRoutes(gateway);
});

afterAll(async () => {
  await routes.close();
  await gateway.close();
});

type Ending = keyof typeof endings;
const replies = {
  done: { status: 201, isReplay: false },
  refuse: { code: 'order-already-paid', isReplay: false },
  comeBack: { code: 'provider-unavailable', isReplay: false },
  defect: { code: 'internal-error', isReplay: false },
} as const;
const inUse = { status: 409, code: 'idempotency-key-in-use', isReplay: false };
const isFinal = (ending: Ending) => ending === 'done' || ending === 'refuse';

type Sleeper = Awaited<ReturnType<ScriptedRoutes['sendAsleep']>> & { readonly key: string };

/** What a key must be, said as plainly as can be. */
type Known = {
  readonly value: string;
  readonly resourceId: string | undefined;
  answer?: KeyedAnswer;
  isLeased: boolean;
  /** Whose word counts: the last one who began, until it ended. */
  holder?: Sleeper | undefined;
};

type Send = { readonly key: string; readonly value: string; readonly ending: Ending | 'sleep' };
type Step = { readonly send: Send } | { readonly wake: Ending } | 'leases end' | '72 hours pass';

const key = fc.constantFrom('one', 'two');
// Mostly the same, or no sequence gets far.
const value = fc.constantFrom('a', 'a', 'a', 'a', 'b');
const ending = fc.constantFrom<Ending>('done', 'refuse', 'comeBack', 'defect');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      send: fc.record({ key, value, ending: fc.oneof(ending, fc.constant('sleep' as const)) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ wake: ending }) },
  { weight: 2, arbitrary: fc.constant('leases end' as const) },
  { weight: 1, arbitrary: fc.constant('72 hours pass' as const) },
);

/** A merchant's keys as they must be, beside those that are. */
function createModel(merchant: Merchant) {
  const known = new Map<string, Known>();
  const sleepers: Sleeper[] = [];

  async function send({ ending, ...call }: Send): Promise<void> {
    const entry = known.get(call.key);
    const runs = routes.resourceIds.length;
    if (!entry || (entry.value === call.value && !entry.answer && !entry.isLeased)) {
      await run({ ending, ...call }, entry?.resourceId);
      expect(routes.resourceIds).toHaveLength(runs + 1);
      return;
    }
    const answer = await routes.send({ merchant, ...call });
    expect(routes.resourceIds).toHaveLength(runs);
    if (entry.value !== call.value) expect(answer).toMatchObject({ status: 422, isReplay: false });
    else if (entry.answer) expect(answer).toEqual({ ...entry.answer, isReplay: true });
    else expect(answer).toMatchObject(inUse);
  }

  async function run({ ending, ...call }: Send, resourceId: string | undefined): Promise<void> {
    const begun = { value: call.value, isLeased: ending === 'sleep' };
    if (ending === 'sleep') {
      const holder = { key: call.key, ...(await routes.sendAsleep({ merchant, ...call })) };
      sleepers.push(holder);
      known.set(call.key, { ...begun, resourceId: routes.resourceIds.at(-1), holder });
    } else {
      routes.works.push(endings[ending]);
      const answer = await routes.send({ merchant, ...call });
      expect(answer).toMatchObject(replies[ending]);
      const kept = { ...begun, resourceId: routes.resourceIds.at(-1) };
      known.set(call.key, isFinal(ending) ? { ...kept, answer } : kept);
    }
    if (resourceId) expect(routes.resourceIds.at(-1)).toBe(resourceId);
  }

  async function wake(ending: Ending): Promise<void> {
    const sleeper = sleepers.shift();
    if (!sleeper) return;
    const entry = known.get(sleeper.key);
    sleeper.wake(endings[ending]);
    const answer = await sleeper.answer;
    if (entry?.holder === sleeper) {
      expect(answer).toMatchObject(replies[ending]);
      entry.holder = undefined;
      entry.isLeased = false;
      if (isFinal(ending)) entry.answer = answer;
    } else if (!isFinal(ending)) expect(answer).toMatchObject(replies[ending]);
    else if (entry?.answer) expect(answer).toEqual({ ...entry.answer, isReplay: true });
    else expect(answer).toMatchObject(inUse);
  }

  async function take(next: Step): Promise<void> {
    if (next === 'leases end') {
      await routes.pass(merchant, '10 minutes');
      for (const entry of known.values()) entry.isLeased = false;
    } else if (next === '72 hours pass') {
      // Nobody sleeps for so long.
      await wakeAll();
      await routes.pass(merchant, '72 hours');
      known.clear();
    } else if ('wake' in next) await wake(next.wake);
    else await send(next.send);
  }

  async function wakeAll(): Promise<void> {
    while (sleepers.length > 0) await wake('done');
  }

  return { take, wakeAll };
}

test('whatever happens in whatever order, one key is one effect and one answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30 }), async (steps) => {
      routes.works.length = 0;
      const model = createModel(await gateway.merchant());
      for (const next of steps) await model.take(next);
      await model.wakeAll();
    }),
    { numRuns: 150 },
  );
}, 120_000);
