import type { Request, RequestHandler, Response } from 'express';
import type { Caller } from '../domain/caller.ts';
import { Secret } from '../domain/secret.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { ApiKeys, KeyHolder } from '../services/api-keys.ts';

/** Finds who sends a request: the holder of a key, or nobody known. */
export function identifyCaller({ apiKeys }: { readonly apiKeys: ApiKeys }): RequestHandler {
  return async (req, res, next) => {
    const holder = await holderOfKey(req, apiKeys);
    const caller: Caller = holder?.caller ?? { kind: 'anonymous' };
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
