import express, { type RequestHandler } from 'express';
import { Problem } from '../domain/problems.ts';

const maxDepth = 20;
const forbiddenKeys: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** Reads a JSON body of at most 64 kB, and refuses what would hurt further in. */
export const jsonBody: readonly RequestHandler[] = [
  (req, _res, next) => {
    if (req.is('application/json') === false || req.get('Content-Type') === undefined) {
      throw new Problem('unsupported-media-type', 'Send JSON with Content-Type: application/json.');
    }
    next();
  },
  express.json({ limit: '64kb', verify: refuseEmpty }),
  (req, _res, next) => {
    if (req.body === undefined) throw new Problem('invalid-json', 'The body is empty.');
    refuseHarmful(req.body);
    next();
  },
];

/** The parser would read an empty body as `{}`; it learns here that this is not JSON. */
function refuseEmpty(_req: unknown, _res: unknown, body: Buffer): void {
  if (body.length === 0) throw Object.assign(new Error('empty'), { type: 'entity.parse.failed' });
}

type Step = { readonly value: unknown; readonly depth: number };

/**
 * Refuses nesting that would overflow a later `JSON.stringify`, text that PostgreSQL cannot hold,
 * and keys that reach for a prototype. Iterative: the nesting may be 30 000 deep.
 */
function refuseHarmful(body: unknown): void {
  const pending: Step[] = [{ value: body, depth: 1 }];
  for (let step = pending.pop(); step; step = pending.pop()) {
    const { value, depth } = step;
    if (typeof value === 'string' && value.includes('\0')) refuse('Text may not hold NUL.');
    if (typeof value !== 'object' || value === null) continue;
    if (depth > maxDepth) refuse(`The body may be nested ${maxDepth} deep.`);
    for (const [key, member] of Object.entries(value)) {
      if (key.includes('\0') || forbiddenKeys.includes(key)) refuse('A member has a bad name.');
      pending.push({ value: member, depth: depth + 1 });
    }
  }
}

function refuse(detail: string): never {
  throw new Problem('invalid-request', detail);
}
