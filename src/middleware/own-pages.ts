import type { Request, RequestHandler, Response } from 'express';
import { Problem } from '../domain/problems.ts';

const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** Says of each request whether a page of ours has sent it, as far as browsers tell. */
export function recogniseOwnPages({ publicUrl }: { readonly publicUrl: string }): RequestHandler {
  const { origin } = new URL(publicUrl);
  return (req, res, next) => {
    res.locals.isOwnPage = comesFromOwnPage(req, origin);
    next();
  };
}

export function isOwnPage(res: Response): boolean {
  return res.locals.isOwnPage === true;
}

/**
 * Refuses what changes something at a foreign page's bidding: a browser adds the cookies to that
 * too. What names no page at all is refused as well, since every browser names one.
 *
 * @throws Problem `origin-not-allowed`
 */
export function requireOwnPage(req: Request, res: Response): void {
  if (safeMethods.includes(req.method) || isOwnPage(res)) return;
  throw new Problem(
    'origin-not-allowed',
    'Send this from a page of ours. Programs send a key, and no cookies.',
  );
}

/** `Origin` is ours, or the browser says that the page comes from the very host that it asks. */
function comesFromOwnPage(req: Request, own: string): boolean {
  const origin = req.get('Origin');
  if (origin === own) return true;
  if (req.get('Sec-Fetch-Site') !== 'same-origin') return false;
  return origin === undefined || URL.parse(origin)?.host === req.get('Host')?.toLowerCase();
}
