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
        text: "if (usesSession || access.door === 'sign-in') requireOwnPage(req, res);",
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
  {
    name: 'session-lives-for-ever',
    rule: 'I17 a session ends after 14 days, however much it is used',
    edits: [
      {
        file: 'src/repositories/sessions.ts',
        text: 'and s.created_at > now() - make_interval',
        replacement: 'and now() > now() - make_interval',
      },
    ],
    tests: ['test/gateway/accounts-sessions.test.ts'],
  },
  {
    name: 'reset-leaves-sessions',
    rule: 'I17 a new password by mail ends every session',
    edits: [
      {
        file: 'src/services/better-auth.ts',
        text: 'revokeSessionsOnPasswordReset: true,',
        replacement: 'revokeSessionsOnPasswordReset: false,',
      },
    ],
    tests: ['test/gateway/accounts-sign-in.test.ts'],
  },
  {
    name: 'mailed-token-stored',
    rule: 'I15 a dump of the database resets no password',
    edits: [
      {
        file: 'src/services/better-auth.ts',
        text: "storeIdentifier: 'hashed',",
        replacement: "storeIdentifier: 'plain',",
      },
    ],
    tests: ['test/gateway/accounts-sign-in.test.ts'],
  },
  {
    name: 'owed-factor-at-the-platform',
    rule: 'I17 staff does nothing without a second factor',
    edits: [
      {
        file: 'src/middleware/authorise.ts',
        text: "caller.owesSecondFactor && access.door !== 'account'",
        replacement: "caller.owesSecondFactor && access.door === 'tenant'",
      },
    ],
    tests: ['src/middleware/authorise.test.ts'],
  },
  {
    name: 'foreign-page-signs-in',
    rule: 'I17 a foreign page signs nobody in',
    edits: [
      {
        file: 'src/middleware/authorise.ts',
        text: "usesSession || access.door === 'sign-in'",
        replacement: 'usesSession',
      },
    ],
    tests: ['test/gateway/accounts-own-pages.test.ts'],
  },
  {
    name: 'page-believed-about-itself',
    rule: 'I17 a page that claims to be ours has our origin',
    edits: [
      {
        file: 'src/middleware/own-pages.ts',
        text: "URL.parse(origin)?.host === req.get('Host')?.toLowerCase()",
        replacement: 'URL.canParse(origin)',
      },
    ],
    tests: ['test/gateway/accounts-own-pages.test.ts'],
  },
  {
    name: 'codes-guessed-freely',
    rule: 'I17 a code of six digits is tried a few times',
    edits: [
      {
        file: 'src/services/sign-in-guard.ts',
        text: "await limits.take('second-factor-account', key);",
        replacement: '',
      },
    ],
    tests: ['test/gateway/accounts-limits.test.ts'],
  },
  {
    name: 'password-guessed-in-a-session',
    rule: 'I17 a stolen session is no place to guess from',
    edits: [
      {
        file: 'src/services/sign-in-guard.ts',
        text: "await limits.take('sign-in-account-address', key);",
        replacement: '',
      },
    ],
    tests: ['test/gateway/accounts-limits.test.ts'],
  },
  {
    name: 'refused-sign-in-left-out',
    rule: 'I16 a refused sign-in is audited',
    edits: [
      {
        file: 'src/services/sign-in.ts',
        text: 'await noteRefusal(tx, visit, { email: given.email, userId: user?.id });',
        replacement: '',
      },
    ],
    tests: ['test/gateway/accounts-sign-in.test.ts'],
  },
  {
    name: 'sign-in-does-not-wait-for-a-new-password',
    rule: 'I17 no session comes of a password that was just replaced',
    edits: [
      {
        file: 'src/services/sign-in.ts',
        text: 'users.lockByEmail(tx, given.email)',
        replacement: 'users.findByEmail(tx, given.email)',
      },
    ],
    tests: ['test/gateway/accounts-races.test.ts'],
  },
  {
    name: 'sign-up-does-not-wait-for-the-proof',
    rule: "I17 a sign-up never replaces a proven account's password",
    edits: [
      {
        file: 'src/services/accounts.ts',
        text: 'users.lockByEmail(tx, given.email)',
        replacement: 'users.findByEmail(tx, given.email)',
      },
    ],
    tests: ['test/gateway/accounts-races.test.ts'],
  },
  {
    name: 'address-is-proved-without-the-password',
    rule: 'I17 a click proves no account of somebody else',
    edits: [
      {
        file: 'src/services/accounts.ts',
        text: `hash !== undefined && (await verifyPassword(hash, password));
      if (isRight && !`,
        replacement: `hash !== undefined;
      if (isRight && !`,
      },
    ],
    tests: ['test/gateway/accounts-sign-up.test.ts'],
  },
  {
    name: 'role-leaves-the-squatter-the-password',
    rule: 'I17 a role opens nothing to whoever signed up before',
    edits: [
      {
        file: 'src/services/administrators.ts',
        text: 'if (!user.isVerified) await settle',
        replacement: 'if (false) await settle',
      },
    ],
    tests: ['test/gateway/administrators.test.ts'],
  },
  {
    name: 'staff-reads-a-shops-audit-without-a-grant',
    rule: 'I8 staff sees nothing of a shop without a grant',
    edits: [
      {
        file: 'src/routes/audit.ts',
        text: 'if (tenant) await places.requireGrant',
        replacement: 'if (false && tenant) await places.requireGrant',
      },
    ],
    tests: ['test/gateway/audit-reading.test.ts'],
  },
];
