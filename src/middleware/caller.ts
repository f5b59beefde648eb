import type { Request, RequestHandler } from 'express';
import type { Caller } from '../domain/caller.ts';
import { Problem } from '../domain/problems.ts';
import { Secret } from '../domain/secret.ts';
import type { ApiKeys } from '../services/api-keys.ts';
import type { Sessions } from '../services/sessions.ts';

type Services = {
  readonly apiKeys: ApiKeys;
  readonly sessions: Pick<Sessions, 'authenticate'>;
};

/**
 * Finds who sends a request: the holder of a key, a user who has signed in, or nobody known. Where
 * both a key and a session's cookie are sent the key counts, and the session is not looked at: a
 * program says what it means, a browser adds its cookies by itself.
 */
export function identifyCaller({ apiKeys, sessions }: Services): RequestHandler {
  return async (req, res, next) => {
    const key = keyOf(req);
    const caller: Caller = key
      ? await apiKeys.authenticate(key)
      : await sessions.authenticate(req.headers.cookie);
    res.locals.caller = caller;
    next();
  };
}

/** @throws Problem `key-invalid` for a key that cannot be one */
function keyOf(req: Request): Secret | undefined {
  const key = /^Bearer +([sp]k_.*)$/i.exec(req.get('Authorization') ?? '')?.[1];
  if (key === undefined) return undefined;
  if (/^[sp]k_[A-Za-z0-9_]{16,200}$/.test(key)) return new Secret(key);
  // Not ignored: whoever sends a damaged key means to be known by it.
  throw new Problem('key-invalid', 'No tenant has this key.');
}
