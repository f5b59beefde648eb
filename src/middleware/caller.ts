import type { Request, RequestHandler, Response } from 'express';
import type { Caller } from '../domain/caller.ts';
import { Secret } from '../domain/secret.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { ApiKeys, KeyHolder } from '../services/api-keys.ts';
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
    const holder = await holderOfKey(req, apiKeys);
    const caller: Caller = holder?.caller ?? (await sessions.authenticate(req.headers.cookie));
    res.locals.caller = caller;
    res.locals.keyOwner = holder?.tenant;
    next();
  };
}

/** Whose key was sent; read with the key, so that nobody has to ask for it again. */
export function keyOwnerOf(res: Response): Tenant | undefined {
  const { keyOwner } = res.locals;
  return keyOwner;
}

/** @throws Problem `key-invalid`: whoever sends a damaged key means to be known by it */
async function holderOfKey(req: Request, apiKeys: ApiKeys): Promise<KeyHolder | undefined> {
  const key = /^Bearer +([sp]k_.*)$/i.exec(req.get('Authorization') ?? '')?.[1];
  return key === undefined ? undefined : apiKeys.authenticate(new Secret(key));
}
