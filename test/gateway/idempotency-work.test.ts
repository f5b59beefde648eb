import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { endings, type ScriptedRoutes, startScriptedRoutes } from '../support/scripted-routes.ts';

// What a key promises, whatever the work is and however it ends.

const { done, refuse, comeBack, defect } = endings;

let gateway: Gateway;
let routes: ScriptedRoutes;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway({ DATABASE_POOL_SIZE: '4' });
  routes = await startScriptedRoutes(gateway);
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  routes.works.length = 0;
  routes.resourceIds.length = 0;
});

afterAll(async () => {
  await routes.close();
  await gateway.close();
});

const send = () => routes.send({ merchant });
const sendAsleep = (key = 'key') => routes.sendAsleep({ merchant, key });
/** More than any lease is, less than any key is kept. */
const endLeases = () => routes.pass(merchant, '1 hour');

test.each([
  ['a failure that may pass', comeBack, 503],
  ['a defect', defect, 500],
])('after %s the work is run again under the same resource id', async (_, work, status) => {
  routes.works.push(work, work);

  const answers = [await send(), await send(), await send(), await send()];

  expect(answers.map((answer) => answer.status)).toEqual([status, status, 201, 201]);
  expect(answers.map(({ isReplay }) => isReplay)).toEqual([false, false, false, true]);
  expect(routes.resourceIds).toHaveLength(3);
  expect(new Set(routes.resourceIds).size).toBe(1);
});

test('a refusal that a retry cannot change ends the work', async () => {
  routes.works.push(refuse);

  const first = await send();

  expect(first).toMatchObject({ status: 409, code: 'order-already-paid', isReplay: false });
  expect(await send()).toEqual({ ...first, isReplay: true });
  expect(routes.resourceIds).toHaveLength(1);
});

test('work whose holder died is continued under the same resource id, once its lease ended', async () => {
  const dead = await sendAsleep();
  expect(await send()).toMatchObject({ status: 409, code: 'idempotency-key-in-use' });
  await endLeases();

  const next = await send();

  expect(next).toMatchObject({ status: 201, isReplay: false });
  expect(routes.resourceIds).toHaveLength(2);
  expect(routes.resourceIds[1]).toBe(routes.resourceIds[0]);
  dead.wake(done);
  await dead.answer;
});

test.each([
  ['an answer', done],
  ['a refusal', refuse],
])('who comes with %s after its lease gives the answer of its successor', async (_, ending) => {
  const late = await sendAsleep();
  await endLeases();
  const next = await send();

  late.wake(ending);

  expect(await late.answer).toEqual({ ...next, isReplay: true });
  expect(await send()).toEqual({ ...next, isReplay: true });
});

test.each([
  ['an answer', done, 409, 'idempotency-key-in-use'],
  ['a refusal', refuse, 409, 'idempotency-key-in-use'],
  ['a failure', comeBack, 503, 'provider-unavailable'],
  ['a defect', defect, 500, 'internal-error'],
])(
  'who ends with %s after its lease leaves its successor alone',
  async (_, ending, status, code) => {
    const late = await sendAsleep();
    await endLeases();
    const next = await sendAsleep();

    late.wake(ending);

    expect(await late.answer).toMatchObject({ status, code, isReplay: false });
    expect(await send()).toMatchObject({ status: 409, code: 'idempotency-key-in-use' });
    next.wake(done);
    const answer = await next.answer;
    expect(answer).toMatchObject({ status: 201, isReplay: false });
    expect(await send()).toEqual({ ...answer, isReplay: true });
  },
);

test('a lease that ended still counts while nobody took over', async () => {
  const late = await sendAsleep();
  await endLeases();

  late.wake(done);

  const answer = await late.answer;
  expect(answer).toMatchObject({ status: 201, isReplay: false });
  expect(await send()).toEqual({ ...answer, isReplay: true });
});

test('of many who would take over, one does', async () => {
  const dead = await sendAsleep();
  await endLeases();

  const answers = await Promise.all(Array.from({ length: 20 }, send));

  const made = answers.filter(({ status }) => status === 201);
  const waiting = answers.filter(({ code }) => code === 'idempotency-key-in-use');
  expect(made.length + waiting.length).toBe(20);
  expect(new Set(made.map(({ bytes }) => bytes)).size).toBe(1);
  expect(routes.resourceIds).toHaveLength(2);
  dead.wake(done);
  await dead.answer;
});

test('running work holds no connection: there is more of it than the pool has', async () => {
  const running: Awaited<ReturnType<typeof sendAsleep>>[] = [];
  for (let at = 1; at <= 12; at += 1) running.push(await sendAsleep(`key ${at}`));

  const { rows } = await gateway.admin.query(
    `select from pg_stat_activity
      where datname = current_database() and usename = 'kassa_app' and state <> 'idle'`,
  );

  expect(rows).toEqual([]);
  for (const { wake } of running) wake(done);
  const answers = await Promise.all(running.map(({ answer }) => answer));
  expect(answers.every(({ status }) => status === 201)).toBe(true);
});

test('an answer that cannot be stored is not given, and the work is continued', async () => {
  const running = await sendAsleep();
  await gateway.admin.query('revoke update on idempotency_keys from kassa_app');
  running.wake(done);
  const failed = await running.answer;
  await gateway.admin.query('grant update on idempotency_keys to kassa_app');
  await endLeases();

  const next = await send();

  expect(failed.status).toBe(500);
  expect(next).toMatchObject({ status: 201, isReplay: false });
  expect(routes.resourceIds[1]).toBe(routes.resourceIds[0]);
});

test('a failure whose key cannot be freed is told as it is, and the lease ends by itself', async () => {
  const running = await sendAsleep();
  await gateway.admin.query('revoke update on idempotency_keys from kassa_app');
  running.wake(comeBack);
  const failed = await running.answer;
  await gateway.admin.query('grant update on idempotency_keys to kassa_app');

  expect(failed).toMatchObject({ status: 503, code: 'provider-unavailable' });
  expect(await send()).toMatchObject({ code: 'idempotency-key-in-use' });
  await endLeases();
  expect(await send()).toMatchObject({ status: 201, isReplay: false });
});
