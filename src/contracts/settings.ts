import { z } from 'zod';
import { toWebOrigin } from '../domain/web-origins.ts';

const MailAddress = z
  .string()
  .trim()
  .max(255, 'must have at most 255 characters')
  .pipe(z.email('must be a mail address'));

const maxOrigins = 20;
const maxReturnUrl = 2_000;

/** `https://shop.example`, in whatever spelling; kept in the one that browsers send. */
const WebOrigin = z
  .string()
  .trim()
  .max(300, 'must have at most 300 characters')
  .transform((text, context) => {
    const origin = toWebOrigin(text);
    if (origin !== undefined) return origin;
    context.addIssue(
      'must be an origin such as https://shop.example: with https, without a path or *',
    );
    return z.NEVER;
  });

/** An address, or a name before it: `Buat Film <orders@buatfilm.example>`. */
const Sender = z
  .string()
  .trim()
  .max(255, 'must have at most 255 characters')
  .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'may not hold control characters')
  .refine((text) => {
    const [, address = text] = /^[^<>@]*<([^<>]+)>$/.exec(text) ?? [];
    return z.email().safeParse(address).success;
  }, 'must be a mail address, or a name and <a mail address>');

/** Where the payment's page sends a shopper back to; the service looks at the host. */
const ReturnUrl = z
  .string()
  .trim()
  .max(maxReturnUrl, `must have at most ${maxReturnUrl} characters`)
  .transform((text, context) => {
    // The parser reads much more than this as an address: line breaks, other slashes.
    const url = /^https?:\/\/[^\s\p{Cc}/\\][^\s\p{Cc}\\]*$/iu.test(text) && URL.parse(text);
    // Letters of other scripts grow when they are written as browsers read them.
    const isSound = url && url.href.length <= maxReturnUrl && !url.username && !url.password;
    if (isSound) return url.href;
    context.addIssue('must be an address such as https://shop.example/thanks, without a user name');
    return z.NEVER;
  });

/** `PUT /admin/settings`. What is absent stays as it is; null takes it away. */
export const SettingsRequest = z.strictObject({
  allowedOrigins: z
    .array(WebOrigin)
    .max(maxOrigins, `may name at most ${maxOrigins}`)
    .transform((origins) => [...new Set(origins)])
    .optional(),
  createRequiresKey: z.boolean().optional(),
  returnUrl: ReturnUrl.nullish(),
  emailFrom: Sender.nullish(),
  emailReplyTo: MailAddress.nullish(),
  requiresSecondFactor: z.boolean().optional(),
});
export type SettingsRequest = z.output<typeof SettingsRequest>;

const Settings = z.object({
  allowedOrigins: z.array(z.string()),
  createRequiresKey: z.boolean(),
  returnUrl: z.string().nullable(),
  emailFrom: z.string().nullable(),
  emailReplyTo: z.string().nullable(),
  /** Of everybody who works for the tenant. */
  requiresSecondFactor: z.boolean(),
});

/** `GET /admin/settings` */
export const SettingsReply = z.object({ success: z.literal(true), settings: Settings });
export type SettingsReply = z.infer<typeof SettingsReply>;
