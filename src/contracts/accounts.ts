import { z } from 'zod';
import { SessionId } from '../domain/ids.ts';
import { Place } from './places.ts';

/** As it is stored and compared: without what people type around it, in lower case. */
export const MailAddress = z
  .string()
  .trim()
  .max(255, 'must have at most 255 characters')
  .pipe(z.email('must be a mail address'))
  // RFC 5321, which mail servers hold to.
  .refine((email) => email.indexOf('@') <= 64, 'must have at most 64 characters before the @')
  .transform((email) => email.toLowerCase());

export const PersonName = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(100, 'must have at most 100 characters')
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'must be one line');

/** One that is being chosen; whether it is easy to guess is found out later. */
export const NewPassword = z
  .string()
  .min(12, 'must have at least 12 characters')
  .max(128, 'must have at most 128 characters');

/** One that is being given: of any length that a password can have had. */
const Password = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must have at most 128 characters');

const MailedToken = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be the token of a link');
const Code = z.string().regex(/^\d{6}$/, 'must be six digits');
const RecoveryCode = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9]{5}-[A-Za-z0-9]{5}$/, 'must look like aB3dE-fG5hJ');

export const SignUpRequest = z.strictObject({
  name: PersonName,
  email: MailAddress,
  password: NewPassword,
});
/** With the password of the sign-up: only who has both made the account and can read its mails. */
export const VerifyEmailRequest = z.strictObject({ token: MailedToken, password: Password });
export const MailAddressRequest = z.strictObject({ email: MailAddress });
export const SignInRequest = z.strictObject({ email: MailAddress, password: Password });
export const SecondFactorRequest = z.union([
  z.strictObject({ code: Code }),
  z.strictObject({ recoveryCode: RecoveryCode }),
]);
export const PasswordResetRequest = z.strictObject({
  token: MailedToken,
  newPassword: NewPassword,
});
export const PasswordChangeRequest = z.strictObject({
  currentPassword: Password,
  newPassword: NewPassword,
});
export const PasswordRequest = z.strictObject({ password: Password });
export const CodeRequest = z.strictObject({ code: Code });

export const SessionParams = z.object({ id: SessionId });

const success = z.literal(true);

/** `POST /api/auth/sign-in` and `/sign-in/second-factor`. */
export const SignInReply = z.object({ success, secondFactorRequired: z.boolean() });
export type SignInReply = z.infer<typeof SignInReply>;

/** `GET /api/auth/session`: who is signed in. */
export const SessionReply = z.object({
  success,
  user: z.object({ id: z.uuid(), name: z.string(), email: z.string(), locale: z.string() }),
  platformRole: z.string().nullable(),
  /** Owed: some doors stay shut until it is on. */
  secondFactor: z.object({ isOn: z.boolean(), isOwed: z.boolean() }),
  /** The password was given a short while ago. */
  isFresh: z.boolean(),
  /** What the user works for; at most 100, by name. */
  tenants: z.array(Place),
});
export type SessionReply = z.infer<typeof SessionReply>;

/** `GET /api/auth/sessions`: the latest used comes first. */
export const SessionsReply = z.object({
  success,
  sessions: z.array(
    z.object({
      id: z.uuid(),
      /** What the browser says of itself. */
      device: z.string().nullable(),
      address: z.string().nullable(),
      signedInAt: z.iso.datetime(),
      lastUsedAt: z.iso.datetime(),
      isCurrent: z.boolean(),
    }),
  ),
});
export type SessionsReply = z.infer<typeof SessionsReply>;

/** `POST /api/auth/second-factor/begin`: what the app takes in, and the codes to keep apart. */
export const SecondFactorReply = z.object({
  success,
  uri: z.string(),
  recoveryCodes: z.array(z.string()),
});
export type SecondFactorReply = z.infer<typeof SecondFactorReply>;
