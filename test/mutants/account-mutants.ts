import type { Mutant } from './mutant.ts';

/** Who is signed in, for how long, and what it takes. */
export const accountMutants: readonly Mutant[] = [
  {
    name: 'cookie-not-signed',
    rule: 'I16 a token from a stolen database opens nothing',
    edits: [
      {
        file: 'src/services/cookies.ts',
        text: 'given.length === expected.length && timingSafeEqual(given, expected) ? value',
        replacement: 'given.length >= 0 && expected.length >= 0 && timingSafeEqual ? value',
      },
    ],
    tests: ['test/gateway/accounts-sign-in.test.ts'],
  },
  {
    name: 'banned-user-stays',
    rule: 'I17 a user who is banned is out with the next request',
    edits: [
      {
        file: 'src/repositories/sessions.ts',
        text: 'and u.disabled_at is null and u.email_verified',
        replacement: 'and u.email_verified',
      },
    ],
    tests: ['test/gateway/accounts-sessions.test.ts'],
  },
  {
    name: 'idle-session-lives',
    rule: 'I17 a session that is not used ends',
    edits: [
      {
        file: 'src/repositories/sessions.ts',
        text: 'and s.last_used_at > now() - make_interval',
        replacement: 'and now() > now() - make_interval',
      },
    ],
    tests: ['test/gateway/accounts-sessions.test.ts'],
  },
  {
    name: 'other-sessions-stay',
    rule: 'I17 a changed second factor ends every other session',
    edits: [
      {
        file: 'src/services/session-steps.ts',
        text: 'await sessions.endOthers(tx, caller.userId, { token });',
        replacement: '',
      },
    ],
    tests: ['test/gateway/accounts-second-factor.test.ts'],
  },
  {
    name: 'code-taken-twice',
    rule: 'I17 a code of the second factor is taken once',
    edits: [
      {
        file: 'src/services/second-factors.ts',
        text: ' && step > (factor.lastUsedStep ?? -1n)',
        replacement: '',
      },
    ],
    tests: ['test/gateway/accounts-second-factor.test.ts'],
  },
  {
    name: 'session-stands-in-for-the-factor',
    rule: 'I17 a second factor is that of whoever gave the password',
    edits: [
      {
        file: 'src/services/sign-in.ts',
        text: 'const headers = headersFor(visit, cookies.secondFactor);',
        replacement: "const headers = new Headers({ cookie: visit.cookies ?? '' });",
      },
    ],
    tests: ['test/gateway/accounts-second-factor.test.ts'],
  },
  {
    name: 'foreign-page-may',
    rule: 'I17 a foreign page does nothing with a session',
    edits: [
      {
        file: 'src/middleware/authorise.ts',
        text: "if (caller.kind === 'user' || access.door === 'sign-in') requireOwnPage(req, res);",
        replacement: "if (access.door === 'sign-in') requireOwnPage(req, res);",
      },
    ],
    tests: ['test/gateway/accounts-own-pages.test.ts'],
  },
  {
    name: 'stranger-locks-out',
    rule: 'I17 nobody but its owner uses a known browser’s tries up',
    edits: [
      {
        file: 'src/services/sign-in-guard.ts',
        text: "if (!device) await limits.take('sign-in-account', email);",
        replacement: "await limits.take('sign-in-account', email);",
      },
    ],
    tests: ['test/gateway/accounts-limits.test.ts'],
  },
];
