import type { Request, Response } from 'express';
import { actorOf, type Origin } from '../domain/caller.ts';
import { Problem } from '../domain/problems.ts';
import { callerOf } from './authorise.ts';
import { requestIdOf } from './request-id.ts';

/** Who changes something through this request, and from where: for the audit log. */
export function originOf(req: Request, res: Response): Origin {
  return { actor: actorOf(callerOf(res)), requestId: requestIdOf(res), address: req.ip };
}

/**
 * A signed-in user who changes what others may do.
 *
 * @throws Problem `not-allowed` for a program: rights stay with people
 */
export function managerOf(req: Request, res: Response) {
  const caller = callerOf(res);
  if (caller.kind === 'user') return { userId: caller.userId, origin: originOf(req, res) };
  throw new Problem('not-allowed', 'This is for people who have signed in.');
}
