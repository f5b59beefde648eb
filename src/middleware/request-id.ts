import type { RequestHandler, Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import type { ProxyTrust } from './proxy-trust.ts';

/**
 * Gives every request one id, from the edge to the job and the mail. A trusted proxy may have made
 * it; a client may not choose it.
 */
export function assignRequestId(trust: ProxyTrust): RequestHandler {
  return (req, res, next) => {
    const given = req.get('X-Request-Id');
    const isGiven = given !== undefined && trust(req) && /^[A-Za-z0-9._-]{8,64}$/.test(given);
    const requestId = isGiven ? given : uuidv7();
    res.locals.requestId = requestId;
    res.set('X-Request-Id', requestId);
    next();
  };
}

export function requestIdOf(res: Response): string {
  const { requestId } = res.locals;
  if (typeof requestId !== 'string') throw new Error('The request has no id yet.');
  return requestId;
}
