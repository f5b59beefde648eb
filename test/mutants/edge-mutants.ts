import type { Mutant } from './mutant.ts';

/** What stands between the internet and everything else. */
export const edgeMutants: readonly Mutant[] = [
  {
    name: 'share-is-not-reported',
    rule: 'I18 all processes together hold a limit',
    edits: [
      {
        file: 'src/services/rate-limits.ts',
        text: 'report(counter, { points: here.used, orAlone })',
        replacement: 'report(counter, { points: 1, orAlone })',
      },
    ],
    tests: ['test/database/rate-limits.test.ts'],
  },
  {
    name: 'address-is-what-a-client-says',
    rule: 'I18 a limit holds the real address',
    edits: [
      {
        file: 'src/app.ts',
        text: "app.set('trust proxy', [...trustedProxies]);",
        replacement: "app.set('trust proxy', true);",
      },
    ],
    tests: ['test/gateway/limits.test.ts'],
  },
  {
    name: 'tenant-is-counted-before-the-door',
    rule: 'I18 strangers do not use up what is a tenant’s',
    edits: [
      {
        file: 'src/middleware/serve.ts',
        text: '[...limitSender(route), ...guards, ...limitTenant(route)]',
        replacement: '[...limitSender(route), ...limitTenant(route), ...guards]',
      },
    ],
    tests: ['test/gateway/limits.test.ts'],
  },
  {
    name: 'any-host-is-served',
    rule: 'I17 an answer is given under our own names only',
    edits: [
      {
        file: 'src/middleware/request-shape.ts',
        text: 'if (!isNamed && !isKnown(hostOf(req))) {',
        replacement: 'if (hostOf(req) === undefined && !isNamed && !isKnown) {',
      },
    ],
    tests: ['test/gateway/hosts.test.ts'],
  },
  {
    name: 'forged-headers-stay',
    rule: 'I17 nobody is believed about himself',
    edits: [
      {
        file: 'src/middleware/request-shape.ts',
        text: 'delete req.headers[name];',
        replacement: 'req.headers[name];',
      },
    ],
    tests: ['src/middleware/request-shape.test.ts'],
  },
  {
    name: 'card-numbers-pass',
    rule: 'I15 no card number comes further than the door',
    edits: [
      {
        file: 'src/middleware/json-body.ts',
        text: "if (!holdsCardNumber(value, { name: path.at(-1) ?? '' })) return;",
        replacement: "if (holdsCardNumber(value, { name: path.at(-1) ?? '' })) return;\n  return;",
      },
    ],
    tests: ['src/middleware/json-body.test.ts'],
  },
  {
    name: 'log-is-not-scrubbed',
    rule: 'I15 a secret that somebody forgot does not reach the log',
    edits: [
      {
        file: 'src/log.ts',
        text: 'hooks: { streamWrite: scrub },',
        replacement: 'hooks: { streamWrite: (line) => line || scrub(line) },',
      },
    ],
    tests: ['src/log.test.ts'],
  },
  {
    name: 'slow-clients-are-not-looked-for',
    rule: 'I18 nobody holds a connection by being slow',
    edits: [
      {
        file: 'src/http-server.ts',
        text: 'connectionsCheckingInterval: limits.checkMs,',
        replacement: 'connectionsCheckingInterval: 600_000 + limits.checkMs,',
      },
    ],
    tests: ['src/http-server.test.ts'],
  },
  {
    name: 'strict-limit-begins-here',
    rule: 'I18 what must not be guessed is counted by all processes from the first try on',
    edits: [
      {
        file: 'src/services/rate-limits.ts',
        text: "if (counter.limit.mode === 'strict') {",
        replacement: 'if (counter.limit.points === 0) {',
      },
    ],
    tests: ['test/database/rate-limits.test.ts'],
  },
  {
    name: 'key-guesses-not-counted',
    rule: 'I18 keys are not guessed without end',
    edits: [
      {
        file: 'src/middleware/rate-limit.ts',
        text: "error.code === 'key-invalid'",
        replacement: "error.code === 'key-not-found'",
      },
    ],
    tests: ['test/gateway/limits.test.ts'],
  },
  {
    name: 'log-shows-card-numbers',
    rule: 'I15 no card number is in a log',
    edits: [
      {
        file: 'src/log.ts',
        text: 'text = withoutNumber(text, number);',
        replacement: 'text = withoutNumber(text, number.repeat(2));',
      },
    ],
    tests: ['src/log.test.ts'],
  },
];
