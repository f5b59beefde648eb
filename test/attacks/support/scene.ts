import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { keyScopes } from '../../../src/domain/access.ts';
import { UserId } from '../../../src/domain/ids.ts';
import * as users from '../../../src/repositories/users.ts';
import { hashPassword } from '../../../src/services/passwords.ts';
import { connect } from '../../database/support/open.ts';
import { createRowFactory } from '../../database/support/row-factory.ts';
import { readTenantTables } from '../../database/support/tenant-tables.ts';
import { anOrder, type Merchant, startGateway } from '../../support/gateway.ts';
import { openPeople, type Person } from '../../support/people.ts';
import { openRefundDesk } from '../../support/refunds.ts';
import { type Answer, openClient } from './client.ts';
import { type Draft, draftOf, type Kind, type Plan, toQuestion } from './requests.ts';
import { samplePassword } from './samples.ts';

export type Scene = Awaited<ReturnType<typeof openScene>>;
export type Shop = Merchant & {
  /** An order that was paid, and can be given back. */
  readonly paidOrder: string;
  readonly pendingOrder: string;
  readonly owner: Person;
  readonly viewer: Person;
  readonly ids: ReadonlyMap<string, readonly string[]>;
};

/** Where ids of a kind stand when the table's name is not the kind's. */
const columnsOfKind: Partial<Record<Kind, string>> = {
  OrderReference: 'orders.order_id',
  DifferenceId: 'reconciliation_differences.id',
  UserId: 'memberships.user_id',
};

/**
 * The gateway with two shops that have rows in every table of tenants, and what an attacker needs
 * to know of both. Everything that the gateway answers is looked at once more by `onAnswer`.
 */
export async function openScene(settings: Record<string, string> = {}) {
  const gateway = await startGateway({
    PROVIDER_TIMEOUT_MS: '800',
    NOTIFICATION_CONFIRM_MS: '300',
    ...settings,
  });
  const people = openPeople(gateway);
  const operator = await people.staff('superadmin');
  // At little cost: most attacks are about something else than how long a guess takes.
  const cheapHash = await hashPassword(samplePassword, { N: 1_024, r: 8, p: 1 });
  const admin = await connect(gateway.database.admin);
  const tables = await readTenantTables(admin);
  const factory = createRowFactory(admin, tables);
  const answers: Answer[] = [];
  const client = openClient(gateway.url, { onAnswer: (answer) => void answers.push(answer) });

  async function openShop(): Promise<Shop> {
    const merchant = await gateway.merchant();
    const owner = await people.member(merchant, 'owner');
    const viewer = await people.member(merchant, 'viewer');
    const desk = openRefundDesk(gateway, merchant);
    const paid = await desk.paidOrder();
    const pending = anOrder({ name: `Shopper of ${merchant.slug}` });
    await merchant.create(pending);
    await desk.refund(paid.order_id, { amount: 1_000 });
    await admin.query(findingsText, [merchant.id, paid.order_id]);
    const { rows: keys } = await admin.query<{ id: string }>(spareKeyText, [
      merchant.id,
      randomBytes(32),
    ]);
    for (const { name } of tables) {
      if ((await readColumn(name, 'tenant_id', merchant.id)).length > 0) continue;
      await factory.store(name, merchant.id);
    }
    const ids = new Map<string, string[]>();
    for (const { name, columns } of tables) {
      const column = columns.find((each) => each.name === 'id' || each.name === 'user_id')?.name;
      if (column) ids.set(`${name}.${column}`, await readColumn(name, column, merchant.id));
    }
    // Who may be sent away: the shop goes on with its owner.
    ids.set('memberships.user_id', [viewer.id, owner.id]);
    ids.set('sessions.id', [viewer.sessionId, owner.sessionId]);
    // A key that may be revoked: the shop goes on with its own.
    ids.set(
      'api_keys.id',
      keys.map(({ id }) => id),
    );
    // First the order that the most can be done to.
    ids.set('orders.order_id', [paid.order_id, pending.orderId]);
    return {
      ...merchant,
      owner,
      viewer,
      paidOrder: paid.order_id,
      pendingOrder: pending.orderId,
      ids,
    };
  }

  async function readColumn(
    table: string,
    column: string,
    tenantId: string,
    limit = 20,
  ): Promise<string[]> {
    const { rows } = await admin.query<{ value: string }>(
      `select distinct ${column}::text as value from ${table}
        where tenant_id = $1 and ${column} is not null order by 1 limit $2`,
      [tenantId, limit],
    );
    return rows.map(({ value }) => value);
  }

  /** All that a tenant has, as one hash; that something was refused is noted beside. */
  async function fingerprintOf({ id }: Shop): Promise<string> {
    const parts = tables
      .filter(({ name }) => !name.startsWith('audit_'))
      .map(
        ({ name }) =>
          `select '${name}' as part, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as hash
           from ${name} t where tenant_id = $1`,
      );
    const { rows } = await admin.query(
      `${parts.join(' union all ')} union all
       select 'tenants', md5(t::text) from tenants t where id = $1 order by 1`,
      [id],
    );
    return JSON.stringify(rows);
  }

  /** Who there is, with what passwords, rights and sessions; when somebody was seen counts not. */
  async function peopleFingerprint(): Promise<string> {
    const { rows } = await admin.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
        where table_schema = 'identity' and table_type = 'BASE TABLE'`,
    );
    const seen = `- 'updated_at' - 'last_used_at'`;
    const parts = rows.map(
      ({ name }) =>
        `select '${name}' as part,
                md5(coalesce(string_agg(line, '|' order by line), '')) as hash
           from (select (to_jsonb(t) ${seen})::text as line from ${name} t) lines`,
    );
    return JSON.stringify((await admin.query(`${parts.join(' union all ')} order by 1`)).rows);
  }

  /** What the rows of one shop hold and those of the other do not: it may not cross over. */
  async function canariesOf(shop: Shop, beside: Shop): Promise<string[]> {
    const [own, others] = await Promise.all([textsOf(shop), textsOf(beside)]);
    return [...own].filter((text) => !others.has(text));
  }

  async function textsOf(shop: Shop): Promise<Set<string>> {
    const found = new Set<string>([shop.slug, shop.serverKey, shop.secretKey, shop.id]);
    for (const { name, columns } of tables) {
      // The names of actions are everybody's, also where only one of the shops has done such a thing.
      const texts = columns.filter(
        (column) => ['text', 'uuid'].includes(column.type) && !isVocabulary(name, column.name),
      );
      for (const column of texts) {
        for (const value of await readColumn(name, column.name, shop.id, 10_000)) {
          if (value.length >= 12) found.add(value);
        }
      }
    }
    return found;
  }

  function idOf(shop: Shop) {
    return (kind: Kind): string => {
      if (kind === 'TenantId') return shop.id;
      if (kind === 'Slug') return shop.slug;
      const known = shop.ids.get(columnsOfKind[kind] ?? `${tableOf(kind)}.id`)?.[0];
      if (known !== undefined) return known;
      throw new Error(`No table has ids of the kind ${kind}: name it in columnsOfKind (scene.ts).`);
    };
  }

  /** A request of the shop's own, with what the route asks of a caller. */
  async function draftFor(shop: Shop, plan: Plan): Promise<Draft> {
    const draft = draftOf(plan, idOf(shop));
    if (plan.access.door === 'open') return draft;
    const credential = await credentialFor(shop, plan);
    const headers = [...draft.headers, ...credential];
    const isNamed =
      ['storefront', 'provider'].includes(plan.access.door) || 'Cookie' === credential[0];
    const query =
      isNamed && plan.access.door !== 'platform'
        ? { ...draft.query, tenant: shop.slug }
        : draft.query;
    if (!plan.isRaw) return { ...draft, headers, query };
    return { ...draft, headers, query, body: JSON.stringify(notificationFor(shop)) };
  }

  /** What the door of a route asks for: a key where one will do, or else somebody's session. */
  async function credentialFor(shop: Shop, { access }: Plan): Promise<readonly string[]> {
    switch (access.door) {
      case 'tenant':
        if (keyScopes.includes(access.scope)) return ['Authorization', `Bearer ${shop.secretKey}`];
        return sessionOf(shop.owner);
      case 'platform':
        return sessionOf(operator);
      case 'account':
        // Some of these end the session.
        return sessionOf(await newMember(shop));
      case 'sign-in':
        return ['Origin', gateway.publicUrl];
      default:
        return [];
    }
  }

  /** Somebody of the shop's with a session and a password of his own. */
  async function newMember(shop: Shop, hash = cheapHash): Promise<Person> {
    const person = await people.member(shop, 'viewer');
    const userId = UserId.parse(person.id);
    await gateway.wiring.db.withPlatform((tx) =>
      users.setPassword(tx, { id: randomUUID(), userId, hash }),
    );
    return person;
  }

  function sessionOf({ cookie }: Person): readonly string[] {
    return ['Cookie', cookie, 'Origin', gateway.publicUrl];
  }

  /** What the provider says of the pending order, and its books as well. */
  function notificationFor(shop: Shop): object {
    const transaction_id = 'TRUE-1';
    const message = {
      transaction_id,
      order_id: shop.pendingOrder,
      transaction_status: 'pending',
      status_code: '201',
      gross_amount: '150000.00',
      payment_type: 'bank_transfer',
      fraud_status: 'accept',
      currency: 'IDR',
    };
    gateway.midtrans.setStatus(transaction_id, message);
    gateway.midtrans.setStatus(shop.pendingOrder, message);
    return shop.signed(message);
  }

  async function close(): Promise<void> {
    client.close();
    await admin.end();
    await gateway.close();
  }

  afterAll(close);
  return {
    gateway,
    admin,
    client,
    /** Everything that was answered so far. */
    answers,
    tables,
    mine: await openShop(),
    other: await openShop(),
    openShop,
    people,
    newMember,
    operator,
    sessionOf,
    fingerprintOf,
    peopleFingerprint,
    canariesOf,
    draftFor,
    send: (draft: Draft) => client.ask(toQuestion(draft)),
    /** As `send`, with more at the end of the address. */
    sendTo(draft: Draft, ending: string) {
      const question = toQuestion(draft);
      return client.ask({ ...question, path: `${question.path}${ending}` });
    },
  };
}

const spareKeyText = `
  insert into api_keys (tenant_id, prefix, key_hash) values ($1, 'sk_test_', $2) returning id`;

/** What a person finds on the lists: one matter of an order, and one difference of a reconciliation. */
const findingsText = `
  with about as (
    select o.id as order_id, p.id as payment_id from orders o
      join payments p on p.tenant_id = o.tenant_id and p.order_id = o.id
     where o.tenant_id = $1 and o.order_id = $2),
  item as (
    insert into attention_items (tenant_id, order_id, payment_id, reason, detail)
    select $1, order_id, payment_id, 'late-money', 'It came on a Sunday.' from about),
  run as (
    insert into reconciliations (tenant_id, trigger, status, from_day, to_day, time_zone, finished_at)
    values ($1, 'merchant', 'done', current_date, current_date, 'Asia/Jakarta', now())
    returning id)
  insert into reconciliation_differences (tenant_id, run_id, order_id, payment_id, what, ours,
                                          theirs, resolution)
  select $1, run.id, order_id, payment_id, 'refunded', '0', '1000', 'open' from about, run`;

/** Columns whose words come from the source, and tell nothing of whoever they are about. */
function isVocabulary(table: string, column: string): boolean {
  return table === 'audit_entries' && ['action', 'subject_kind', 'actor_kind'].includes(column);
}

/** `AttentionItemId` is the id of a row in attention_items. */
function tableOf(kind: Kind): string {
  const words = kind
    .replace(/Id$/, '')
    .replace(/(?<=.)[A-Z]/g, '_$&')
    .toLowerCase();
  return /[^aeiou]y$/.test(words) ? `${words.slice(0, -1)}ies` : `${words}s`;
}
