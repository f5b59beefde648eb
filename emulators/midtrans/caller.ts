import type { RequestHandler, Response } from 'express';
import type { Account, Accounts } from './accounts.ts';

const callers = new WeakMap<Response, Account>();

/** Lets the holder of a known server key in; anyone else gets `refuse`. */
export function authenticated(accounts: Accounts, refuse: (res: Response) => void): RequestHandler {
  return (req, res, next) => {
    const serverKey = readServerKey(req.headers.authorization);
    const account = serverKey === undefined ? undefined : accounts.authenticate(serverKey);
    if (!account) return refuse(res);
    callers.set(res, account);
    next();
  };
}

export function accountOf(res: Response): Account {
  const account = callers.get(res);
  if (!account) throw new Error('This route was reached without an account.');
  return account;
}

export function findAccountOf(res: Response): Account | undefined {
  return callers.get(res);
}

/** The user name of Basic credentials, if the password is empty as Midtrans wants it. */
function readServerKey(header: string | undefined): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  return text.length > 1 && text.indexOf(':') === text.length - 1 ? text.slice(0, -1) : undefined;
}
