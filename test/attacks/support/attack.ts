import { expect, test } from 'vitest';

/** The attacks of the reference (reliability.md, section 5) that this suite carries out. */
export const attacks = {
  A01: 'IDOR across tenants',
  A02: 'role escalation',
  A03: 'X-Tenant-Slug from outside',
  A04: 'Host tricks',
  A05: 'bypass of rate limits',
  A06: 'SQL injection',
  A07: 'row-level security, by the catalogue',
  A08: 'row-level security, by trying',
  A09: 'pool bleed',
  A10: 'SSRF through addresses of shops',
  A13: 'slow sockets',
  A14: 'huge bodies, headers and addresses',
  A15: 'JSON bombs',
  A16: 'ReDoS',
  A17: 'header injection',
  A20: 'CSV formulas',
  A21: 'CSRF',
  A22: 'clickjacking and sniffing',
  A23: 'open redirects',
  A24: 'enumeration',
  A26: 'brute force and stuffing',
  A27: 'sessions',
  A28: 'token confusion',
  A29: 'mass assignment',
  A30: 'price tampering',
  A31: 'races',
  A33: 'forged notifications',
  A35: 'log injection',
  A36: 'secrets in what leaves the process',
  A37: 'errors that tell too much',
  A38: 'caches',
  A39: 'path tricks',
  A40: 'method tricks',
  A41: 'prototype pollution',
  A42: 'ciphertext games',
  A43: 'mail abuse',
  A48: 'attacks while the database fails',
} as const;

export type AttackCode = keyof typeof attacks;

/** What one test of this suite tried, and what got through; the reporter adds it up. */
type Evidence = {
  readonly code: AttackCode;
  tries: number;
  succeeded: number;
  readonly throughs: string[];
  readonly notes: string[];
};

declare module 'vitest' {
  // biome-ignore lint/style/useConsistentTypeDefinitions: merging into vitest's own needs one.
  interface TaskMeta {
    attack?: Evidence;
  }
}

export type Tally = {
  /** Counts one try. `through` says what got through; nothing says that it was repelled. */
  tried(what: string, through: string | undefined): void;
  /** Measured beside it, for whoever reads the run. */
  note(line: string): void;
};

/** What is listed of an attack that succeeds over and over. */
const maxListed = 25;

/** A test that fails by what got through, and when it tried nothing. */
export function attack(
  code: AttackCode,
  name: string,
  work: (tally: Tally) => Promise<void>,
): void {
  test(`${code} ${attacks[code]}: ${name}`, async ({ task }) => {
    const evidence: Evidence = { code, tries: 0, succeeded: 0, throughs: [], notes: [] };
    task.meta.attack = evidence;
    await work({
      tried(what, through) {
        evidence.tries += 1;
        if (through === undefined) return;
        evidence.succeeded += 1;
        if (evidence.throughs.length < maxListed) evidence.throughs.push(`${what}: ${through}`);
      },
      note: (line) => void evidence.notes.push(line),
    });
    expect(evidence.throughs).toEqual([]);
    expect(evidence.tries).toBeGreaterThan(0);
  });
}
