import type { Request, Response } from 'express';
import type { Visit, WithCookies } from '../services/visits.ts';
import { originOf } from './origin.ts';

export function visitOf(req: Request, res: Response): Visit {
  return {
    cookies: req.headers.cookie,
    userAgent: req.get('User-Agent'),
    origin: originOf(req, res),
  };
}

/** Answers with the cookies that a step sets. */
export function answer(res: Response, { reply, setCookies }: WithCookies<unknown>): void {
  for (const line of setCookies) res.append('Set-Cookie', line);
  res.json(reply);
}
