import type { Request, Response } from 'express';
import { actorOf, type Origin } from '../domain/caller.ts';
import { callerOf, userOf } from './authorise.ts';
import { requestIdOf } from './request-id.ts';

/** Who changes something through this request, and from where: for the audit log. */
export function originOf(req: Request, res: Response): Origin {
  return { actor: actorOf(callerOf(res)), requestId: requestIdOf(res), address: req.ip };
}

/** A signed-in user who changes what others may do. */
export function managerOf(req: Request, res: Response) {
  return { userId: userOf(res).userId, origin: originOf(req, res) };
}
