import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { Problem } from '../domain/problems.ts';

type Cost = { readonly N: number; readonly r: number; readonly p: number };

export const passwordLength = { min: 12, max: 128 } as const;

/** One of the settings that OWASP calls equal; better-auth's own (2^14, 16, 1) does a third of it. */
export const currentCost: Cost = { N: 2 ** 15, r: 8, p: 3 };
const keyLength = 32;
const saltLength = 16;

/** Of 0 to 4: from here on a guesser needs more tries than anybody has. */
const minScore = 3;
/** Judging takes longer than in proportion, and what is strong so far does not become weak. */
const judgedLength = 64;

const judge = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

type Owner = { readonly email: string; readonly name: string };

/** `scrypt$N$r$p$salt$key`: with the cost in it, so that it can be raised later. */
export async function hashPassword(password: string, cost: Cost = currentCost): Promise<string> {
  const { N, r, p } = cost;
  const salt = randomBytes(saltLength);
  const key = await derive(password, { salt, N, r, p });
  return ['scrypt', N, r, p, salt.toString('base64'), key.toString('base64')].join('$');
}

export async function verifyPassword(hash: string, password: string): Promise<boolean> {
  const [kind, N, r, p, salt = '', key = ''] = hash.split('$');
  if (kind !== 'scrypt') throw new Error('A stored password has a form that nobody knows.');
  const expected = Buffer.from(key, 'base64');
  const derived = await derive(password, {
    salt: Buffer.from(salt, 'base64'),
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}

/**
 * Refuses what a guesser tries early, by a list of common passwords and patterns, not by rules of
 * composition. The owner's own name and address are among what is tried.
 *
 * @throws Problem `password-weak`
 */
export function requireStrongPassword(field: string, password: string, owner: Owner): void {
  const own = [owner.email, ...owner.email.split(/[@.+_-]/), owner.name, ...owner.name.split(/\s/)];
  const { score } = judge.check(password.slice(0, judgedLength), [...own, 'kassa']);
  if (score >= minScore) return;
  throw new Problem('password-weak', 'This password is too easy to guess.', {
    errors: [
      {
        field,
        message:
          'is easy to guess: take four or more words that have nothing to do with each other, ' +
          'or let a password manager make one',
      },
    ],
  });
}

type Derivation = Cost & { readonly salt: Buffer };

function derive(password: string, { salt, N, r, p }: Derivation): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same password typed on another machine may arrive in another normal form.
    const text = password.normalize('NFKC');
    const options = { N, r, p, maxmem: 256 * N * r };
    scrypt(text, salt, keyLength, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
