import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { endings, type ScriptedRoutes, startScriptedRoutes } from '../support/scripted-routes.ts';

// What a key is, where it counts, and for how long.

type KeyRow = { key: string; resource_id: string; answer_status: number | null };

let gateway: Gateway;
let routes: ScriptedRoutes;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
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

const keysOf = (owner: Merchant) => owner.rows<KeyRow>('idempotency_keys');

test.each([
  ['empty', ''],
  ['256 characters long', 'k'.repeat(256)],
  ['not ASCII', 'café'],
  ['not printable', 'a\tb'],
  ['given twice', ['one', 'two']],
  ['given twice alike', ['one', 'one']],
])('a key that is %s is refused', async (_, key) => {
  const answer = await routes.send({ merchant, key });

  expect(answer).toMatchObject({ status: 400, code: 'idempotency-key-invalid' });
  expect(routes.resourceIds).toEqual([]);
  expect(await keysOf(merchant)).toEqual([]);
});

test.each([
  ['of one character', 'k'],
  ['of 255 characters', 'k'.repeat(255)],
  ['in quotes', '"8e03978e-40d5"'],
  ['with spaces and commas', 'a b, c'],
  ['of SQL', `'; drop table tenants; --`],
])('a key %s is taken as it is', async (_, key) => {
  const first = await routes.send({ merchant, key });

  expect(first.status).toBe(201);
  expect(await keysOf(merchant)).toMatchObject([{ key }]);
  expect(await routes.send({ merchant, key })).toEqual({ ...first, isReplay: true });
});

test.each([
  ['case', 'KEY'],
  ['one character', 'keY'],
  ['length', 'key1'],
])('keys that differ in %s are two keys', async (_, key) => {
  await routes.send({ merchant, key: 'key' });

  expect(await routes.send({ merchant, key })).toMatchObject({ status: 201, isReplay: false });
});

test('one key of two merchants is two keys', async () => {
  const stranger = await gateway.merchant();
  const own = await routes.send({ merchant });

  const theirs = await routes.send({ merchant: stranger });
  const other = await routes.send({ merchant: await gateway.merchant(), value: 'b' });

  expect([theirs, other]).toMatchObject([
    { status: 201, isReplay: false },
    { status: 201, isReplay: false },
  ]);
  expect(theirs.bytes).not.toBe(own.bytes);
  expect(await routes.send({ merchant })).toEqual({ ...own, isReplay: true });
});

test('one key on two routes is two keys', async () => {
  const credit = await routes.send({ merchant });

  const refund = await routes.send({ merchant, path: '/orders/A/refunds' });

  expect(refund).toMatchObject({ status: 201, isReplay: false });
  expect(refund.bytes).not.toBe(credit.bytes);
  expect(await routes.send({ merchant })).toEqual({ ...credit, isReplay: true });
});

test('one key for two resources of a route is refused', async () => {
  const first = await routes.send({ merchant, path: '/orders/A/refunds' });

  const other = await routes.send({ merchant, path: '/orders/B/refunds' });
  const respelled = await routes.send({ merchant, path: '/Orders/A/Refunds/' });

  expect(other).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  expect(respelled).toEqual({ ...first, isReplay: true });
});

test('an answer is kept for 72 hours, and then forgotten', async () => {
  const first = await routes.send({ merchant });

  await routes.pass(merchant, '71 hours 59 minutes');
  expect(await routes.send({ merchant })).toEqual({ ...first, isReplay: true });
  expect(await routes.send({ merchant, value: 'b' })).toMatchObject({ status: 422 });
  await routes.pass(merchant, '1 minute');
  const another = await routes.send({ merchant, value: 'b' });

  expect(another).toMatchObject({ status: 201, isReplay: false });
  expect(routes.resourceIds[1]).not.toBe(routes.resourceIds[0]);
  expect(await routes.send({ merchant, value: 'b' })).toEqual({ ...another, isReplay: true });
  expect(await keysOf(merchant)).toHaveLength(1);
});

test('a key that begins anew is continued as the new one that it is', async () => {
  await routes.send({ merchant });
  await routes.pass(merchant, '72 hours');
  routes.works.push(endings.comeBack);
  await routes.send({ merchant });

  await routes.send({ merchant });

  const [first, second, third] = routes.resourceIds;
  expect(second).not.toBe(first);
  expect(third).toBe(second);
});

test('of many who find a key forgotten, one begins anew', async () => {
  await routes.send({ merchant });
  await routes.pass(merchant, '72 hours');

  const answers = await Promise.all(Array.from({ length: 20 }, () => routes.send({ merchant })));

  expect(routes.resourceIds).toHaveLength(2);
  expect(answers.filter(({ status, isReplay }) => status === 201 && !isReplay)).toHaveLength(1);
});

test('a key that is still retried is not forgotten', async () => {
  routes.works.push(endings.comeBack, endings.comeBack);
  await routes.send({ merchant });
  await routes.pass(merchant, '71 hours');
  await routes.send({ merchant });
  await routes.pass(merchant, '71 hours');

  expect(await gateway.services.idempotency.sweep()).toBe(0);
  const answer = await routes.send({ merchant });

  expect(answer.status).toBe(201);
  expect(new Set(routes.resourceIds).size).toBe(1);
});

test('what is forgotten is deleted, of every merchant, and nothing else', async () => {
  const other = await gateway.merchant();
  await routes.send({ merchant, key: 'old' });
  await routes.send({ merchant: other, key: 'old' });
  for (const owner of [merchant, other]) await routes.pass(owner, '72 hours');
  await routes.send({ merchant, key: 'fresh' });
  const running = await routes.sendAsleep({ merchant, key: 'running' });

  expect(await gateway.services.idempotency.sweep()).toBe(2);

  expect((await keysOf(merchant)).map(({ key }) => key).sort()).toEqual(['fresh', 'running']);
  expect(await keysOf(other)).toEqual([]);
  expect(await gateway.services.idempotency.sweep()).toBe(0);
  running.wake(endings.done);
  expect((await running.answer).status).toBe(201);
});

test('the sweep of one merchant is bounded a round, and every round goes on', async () => {
  await gateway.admin.query(
    `insert into idempotency_keys (tenant_id, route, key, request_hash, resource_id, expires_at)
     select $1, 'POST /credits', 'key ' || n, '', gen_random_uuid(), now()
       from generate_series(1, 10001) n`,
    [merchant.id],
  );

  const rounds = [
    await gateway.services.idempotency.sweep(),
    await gateway.services.idempotency.sweep(),
  ];

  expect(rounds).toEqual([10_000, 1]);
});

test('one merchant whose keys cannot be deleted does not keep those of all others', async () => {
  const other = await gateway.merchant();
  for (const owner of [merchant, other]) {
    await routes.send({ merchant: owner });
    await routes.pass(owner, '72 hours');
  }
  await gateway.admin.query(`create function refuse() returns trigger language plpgsql
    as $$ begin raise exception 'not this one'; end $$`);
  await gateway.admin.query(`create trigger refuse before delete on idempotency_keys
    for each row when (old.tenant_id = '${merchant.id}') execute function refuse()`);

  const deleted = await gateway.services.idempotency.sweep();
  await gateway.admin.query('drop function refuse cascade');

  expect(deleted).toBe(1);
  expect(await keysOf(other)).toEqual([]);
  expect(await keysOf(merchant)).toHaveLength(1);
});
