import type { Request, Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { Problem } from '../domain/problems.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Idempotency } from '../services/idempotency.ts';
import { noteRefusal } from './audit-refusals.ts';
import { requestIdOf } from './request-id.ts';

type Write = {
  readonly req: Request;
  readonly res: Response;
  readonly tenant: Tenant;
  /** The body as it was parsed; the parameters of the path count by themselves. */
  readonly request: unknown;
};

/**
 * Answers a write with what its work comes to, once for each `Idempotency-Key`; without one, each
 * time anew. Everything that refuses a request for what it is comes before: what is thrown by
 * `work` may be kept as the key's answer. The answer is stored: one that holds a secret says what
 * is kept of it, and a repeated request gets that.
 */
export async function replyOnce<Reply>(
  idempotency: Idempotency,
  { req, res, tenant, request }: Write,
  work: (resourceId: string) => Promise<Reply>,
  keep: (reply: Reply) => unknown = (reply) => reply,
): Promise<void> {
  const key = keyOf(req);
  if (key === undefined) {
    res.json(await work(uuidv7()));
    return;
  }
  const { statusCode } = res;
  let given: string | undefined;
  const answer = await idempotency.run(
    {
      tenantId: tenant.id,
      // The path as it is registered: neither letter case nor parameters make another scope.
      route: `${req.method} ${req.baseUrl}${req.route.path}`,
      key,
      content: { params: req.params, request },
      requestId: requestIdOf(res),
    },
    async (resourceId) => {
      const reply = await work(resourceId);
      given = JSON.stringify(reply);
      return { status: statusCode, body: JSON.stringify(keep(reply)) };
    },
  );
  // A stored refusal is sent from here, and is thrown nowhere.
  if (answer.status >= 400) noteRefusal({ req, res }, JSON.parse(answer.body));
  if (answer.isReplay) res.set('Idempotent-Replayed', 'true');
  res
    .status(answer.status)
    .type(answer.status < 400 ? 'application/json' : 'application/problem+json')
    .send(answer.isReplay ? answer.body : given);
}

/** @throws Problem `idempotency-key-invalid` */
function keyOf(req: Request): string | undefined {
  const keys = req.headersDistinct['idempotency-key'];
  if (!keys) return undefined;
  const [key = ''] = keys;
  if (keys.length === 1 && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new Problem(
    'idempotency-key-invalid',
    'Send Idempotency-Key once, with 1 to 255 printable ASCII characters.',
  );
}
