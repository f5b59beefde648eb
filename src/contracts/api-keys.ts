import { z } from 'zod';
import { keyScopes, scopes } from '../domain/access.ts';
import { apiKeyKinds, apiKeyStatuses, scopesOfKind } from '../domain/api-keys.ts';
import { MomentPosition, pageQuery } from './pages.ts';

/** `GET /admin/keys`, newest first. */
export const ApiKeysQuery = pageQuery(MomentPosition).strict();
export type ApiKeysQuery = z.output<typeof ApiKeysQuery>;

/** `POST /admin/keys`. Without scopes: all that its kind may have. */
export const CreateApiKeyRequest = z
  .strictObject({
    kind: z.enum(apiKeyKinds),
    name: z
      .string()
      .trim()
      .min(1, 'must not be empty')
      .max(100, 'must have at most 100 characters')
      .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'may not hold control characters'),
    scopes: z
      .array(z.enum(keyScopes as [string, ...string[]]))
      .min(1, 'must name one at least')
      .max(keyScopes.length)
      .optional(),
    expiresAt: z.iso
      .datetime({ offset: true })
      .transform((text) => new Date(text))
      .refine((at) => at.getTime() > Date.now(), 'must be in the future')
      .optional(),
  })
  .superRefine(({ kind, scopes: asked }, context) => {
    const possible: readonly string[] = scopesOfKind(kind);
    for (const [index, scope] of asked?.entries() ?? []) {
      if (possible.includes(scope)) continue;
      const message = `a ${kind} key can have ${possible.join(', ')}`;
      context.addIssue({ code: 'custom', path: ['scopes', index], message });
    }
  });
export type CreateApiKeyRequest = z.output<typeof CreateApiKeyRequest>;

/** `POST /admin/keys/:id/rotate`. The old key goes on for so long: at most a week. */
export const RotateApiKeyRequest = z.strictObject({ overlapMinutes: z.int().min(0).max(10_080) });
export type RotateApiKeyRequest = z.output<typeof RotateApiKeyRequest>;

const ApiKeyView = z.object({
  id: z.uuid(),
  kind: z.enum(apiKeyKinds),
  name: z.string(),
  /** Its first characters. */
  prefix: z.string(),
  scopes: z.array(z.enum(scopes)),
  status: z.enum(apiKeyStatuses),
  createdAt: z.iso.datetime(),
  createdBy: z.string().nullable(),
  /** To the minute. */
  lastUsedAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
  rotatedFrom: z.uuid().nullable(),
  replacedBy: z.uuid().nullable(),
});
export type ApiKeyView = z.infer<typeof ApiKeyView>;

export const ApiKeyListReply = z.object({
  success: z.literal(true),
  keys: z.array(ApiKeyView),
  /** The cursor of the next page; null: this is the last. */
  next: z.string().nullable(),
});
export type ApiKeyListReply = z.infer<typeof ApiKeyListReply>;

export const ApiKeyReply = z.object({ success: z.literal(true), apiKey: ApiKeyView });
export type ApiKeyReply = z.infer<typeof ApiKeyReply>;

export const NewApiKeyReply = ApiKeyReply.extend({
  /** Shown once: null when the request is repeated under its `Idempotency-Key`. */
  key: z.string().nullable(),
});
export type NewApiKeyReply = z.infer<typeof NewApiKeyReply>;
