import express, { type Request, type RequestHandler } from 'express';
import { holdsCardNumber } from '../domain/card-numbers.ts';
import { Problem } from '../domain/problems.ts';

const maxBytes = 65_536;
const maxDepth = 20;
const maxMembers = 1_000;
/** How long what still comes of a refused body is thrown away, so that its client can read why. */
const lingerMs = 2_000;
const forbiddenKeys: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** The bodies as they came, until they have been looked at. */
const texts = new WeakMap<object, Buffer>();

/** Reads a JSON body of at most 64 kB, and refuses what would hurt further in. */
export const jsonBody: readonly RequestHandler[] = [
  (req, _res, next) => {
    if (req.is('application/json') === false || req.get('Content-Type') === undefined) {
      throw new Problem('unsupported-media-type', 'Send JSON with Content-Type: application/json.');
    }
    next();
  },
  bounded(express.json({ limit: maxBytes, verify: keepText })),
  (req, _res, next) => {
    if (req.body === undefined) throw new Problem('invalid-json', 'The body is empty.');
    refuseHarmful(req.body, texts.get(req));
    next();
  },
];

/** Reads a body of at most 64 kB as it came. Card numbers in it are the sender's business. */
export const rawBody: readonly RequestHandler[] = [
  bounded(express.raw({ type: () => true, limit: maxBytes })),
];

/**
 * Lets a parser go no further than the limit. By itself it would read a body that is too long to
 * its end before it says so: of a gigabyte, for as long as the sender likes.
 */
function bounded(parse: RequestHandler): RequestHandler {
  return (req, res, next) => {
    let isOver = false;
    const goOn = (error?: unknown) => {
      if (isOver) return;
      isOver = true;
      next(error);
    };
    const refuse = () => {
      endSoon(req);
      goOn(new Problem('body-too-large', 'The body may have at most 64 kB.'));
    };
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) return refuse();
    let bytes = 0;
    parse(req, res, goOn);
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes && !isOver) refuse();
    });
  };
}

function endSoon(req: Request): void {
  const timer = setTimeout(() => {
    if (!req.complete) req.socket.destroy();
  }, lingerMs);
  timer.unref();
}

/** The parser would read an empty body as `{}`. */
function keepText(req: object, _res: unknown, body: Buffer, charset: string): void {
  if (body.length === 0) throw Object.assign(new Error('empty'), { type: 'entity.parse.failed' });
  if (charset !== 'utf-8') {
    throw Object.assign(new Error('charset'), { type: 'charset.unsupported' });
  }
  texts.set(req, body);
}

/**
 * How often a text names a member: more often than there are members, when one comes twice, of
 * which the parser took the last and others might take the first. Only of what was parsed: there
 * every text ends, and the look takes one pass.
 */
function countNames(text: Buffer | undefined): number {
  const strings = text?.toString().matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs) ?? [];
  return [...strings].filter(([, colon]) => colon !== undefined).length;
}

type Step = { readonly value: unknown; readonly path: readonly string[] };

/**
 * Refuses nesting that would overflow a later `JSON.stringify`, members without end or twice, text
 * that PostgreSQL cannot hold, numbers that are none, keys that reach for a prototype, and card
 * numbers. Iterative: the nesting may be 30 000 deep.
 */
function refuseHarmful(body: unknown, text: Buffer | undefined): void {
  let members = 0;
  let named = 0;
  const pending: Step[] = [{ value: body, path: [] }];
  for (let step = pending.pop(); step; step = pending.pop()) {
    const { value, path } = step;
    refuseValue(value, path);
    if (typeof value !== 'object' || value === null) continue;
    if (path.length >= maxDepth) refuse(`The body may be nested ${maxDepth} deep.`);
    const entries = Object.entries(value);
    members += entries.length;
    if (members > maxMembers) refuse(`The body may have ${maxMembers} members.`);
    if (!Array.isArray(value)) named += entries.length;
    for (const [key, member] of entries) {
      refuseName(key);
      pending.push({ value: member, path: [...path, key] });
    }
  }
  if (countNames(text) > named) refuse('A member comes twice.');
}

function refuseName(key: string): void {
  if (forbiddenKeys.includes(key) || !isText(key) || holdsCardNumber(key, { name: '' })) {
    refuse('A member has a bad name.');
  }
}

function refuseValue(value: unknown, path: readonly string[]): void {
  if (typeof value === 'string' && !isText(value)) refuse('Text may hold neither NUL nor halves.');
  if (typeof value === 'number' && !Number.isFinite(value)) refuse('A number is too large.');
  if (typeof value !== 'string' && typeof value !== 'number') return;
  if (!holdsCardNumber(value, { name: path.at(-1) ?? '' })) return;
  throw new Problem('invalid-request', 'Card numbers belong on the page of the payment provider.', {
    errors: [
      {
        field: path.join('.') || 'body',
        message: 'looks like a card number, which must never be sent here',
      },
    ],
  });
}

/** Half of a surrogate pair is no character: PostgreSQL would store another text. */
function isText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function refuse(detail: string): never {
  throw new Problem('invalid-request', detail);
}
