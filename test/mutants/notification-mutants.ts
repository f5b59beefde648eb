import type { Mutant } from './mutant.ts';

/** How a provider's word is believed. */
export const notificationMutants: readonly Mutant[] = [
  {
    name: 'signature-not-compared',
    rule: 'I3 only who has the server key can tell us of money',
    edits: [
      {
        file: 'src/providers/midtrans/signature.ts',
        text: ' && timingSafeEqual(given, expected)',
        replacement: '',
      },
    ],
    tests: ['test/gateway/vectors.test.ts'],
  },
  {
    name: 'empty-key-signs',
    rule: 'I17 a merchant without a server key hears nothing',
    edits: [
      {
        file: 'src/repositories/tenants.ts',
        text: 'midtrans: row.midtrans_server_key\n',
        replacement: 'midtrans: row.midtrans_server_key !== null\n',
      },
    ],
    tests: ['test/gateway/hostile-notifications.test.ts'],
  },
  {
    name: 'message-of-a-smaller-amount',
    rule: 'I4 a message over less than the order is refused, whatever the books say',
    edits: [
      {
        file: 'src/services/notification-inbox.ts',
        text: 'if (claim.money.amount < payment.money.amount) return amountFault;',
        replacement: '',
      },
    ],
    tests: ['test/gateway/money-edges.test.ts'],
  },
  {
    name: 'books-of-another-amount',
    rule: 'I4 books over another amount than the order and its fee change nothing',
    edits: [
      {
        file: 'src/services/observed-sums.ts',
        text: 'if (money.amount !== payment.money.amount + fee) {',
        replacement: 'if (money.amount < 0n) {',
      },
    ],
    tests: ['test/gateway/checks.test.ts'],
  },
  {
    name: 'status-api-not-asked',
    rule: 'I3 the books are asked before money changes: the status is not signed',
    edits: [
      {
        file: 'src/services/notifications.ts',
        text: "const isQuiet = decision.kind === 'stay'",
        replacement: "const isQuiet = decision.kind !== 'illegal'",
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'harmless-not-judged-again',
    rule: 'I3 what is harmless is judged under the lock',
    edits: [
      {
        file: 'src/services/notifications.ts',
        text: 'if (!isHarmless(current, observation)) return',
        replacement: 'if (observation.money.amount < 0n) return',
      },
    ],
    tests: ['test/gateway/hostile-notifications.test.ts'],
  },
  {
    name: 'books-that-lag-believed',
    rule: 'I1 a message that the books do not show yet is not finished',
    edits: [
      {
        file: 'src/services/notifications.ts',
        text: "news.kind === 'books' && !news.isConclusive",
        replacement: "news.kind === 'silence'",
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'contradiction-ignored',
    rule: 'I3 a status that does not fit its signed code was edited',
    edits: [
      {
        file: 'src/providers/midtrans/messages.ts',
        text: 'if (!codes.includes(message.status_code)) {',
        replacement: 'if (codes.length === 0) {',
      },
    ],
    tests: ['test/gateway/vectors.test.ts'],
  },
  {
    name: 'fraud-screening-ignored',
    rule: 'I3 money that fraud screening holds is not paid',
    edits: [
      {
        file: 'src/providers/midtrans/messages.ts',
        text: "return fraud === 'accept' ? 'paid' : 'challenged';",
        replacement: "return 'paid';",
      },
    ],
    tests: ['src/providers/midtrans/messages.test.ts'],
  },
  {
    name: 'answer-about-another-order',
    rule: 'I3 a transaction id is not signed: its answer may be about another order',
    edits: [
      {
        file: 'src/providers/midtrans/adapter.ts',
        text: "if (observation.reference !== reference) return { kind: 'not-found' };",
        replacement: '',
      },
    ],
    tests: ['test/gateway/checks.test.ts'],
  },
  {
    name: 'inbox-key-dropped',
    rule: 'I10 a message is stored once, however many copies come',
    edits: [
      {
        file: 'migrations/0004-notifications-and-outbox.ts',
        text: 'constraint notifications_dedupe_key unique (tenant_id, provider, dedupe_key),',
        replacement: '',
      },
      {
        file: 'src/repositories/notifications.ts',
        text: 'on conflict (tenant_id, provider, dedupe_key) do update',
        replacement: 'on conflict (tenant_id, id) do update',
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'edited-copy-takes-the-place',
    rule: 'I1 a message edited outside its signature does not hide the true one',
    edits: [
      {
        file: 'src/services/notification-inbox.ts',
        text: 'const dedupeKey = (fault ? ',
        replacement: "const dedupeKey = (fault === '' ? ",
      },
    ],
    tests: ['test/gateway/hostile-notifications.test.ts'],
  },
  {
    name: 'flood-not-bounded',
    rule: 'I18 variations of one true message are bounded',
    edits: [
      {
        file: 'src/services/notification-inbox.ts',
        text: '!isKnown && others >= maxPerHour',
        replacement: '!isKnown && others < 0n',
      },
    ],
    tests: ['test/gateway/hostile-notifications.test.ts'],
  },
];
