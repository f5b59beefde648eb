import { z } from 'zod';

/** As Midtrans' dashboard shows them: letters, digits, `-` and `_`. */
const key = z
  .string()
  .min(8, 'must have at least 8 characters')
  .max(200, 'must have at most 200 characters')
  .regex(/^[A-Za-z0-9_-]+$/, 'may hold letters, digits, - and _ only');

/**
 * A merchant's whole account at Midtrans: what is left out is not kept, because it would belong to
 * another account. Newer sandbox keys lack the prefix, so only its presence says something.
 */
export const MidtransAccountRequest = z
  .strictObject({
    serverKey: key,
    clientKey: key.optional(),
    merchantId: z
      .string()
      .regex(/^[A-Za-z0-9]{1,50}$/, 'must be 1 to 50 letters and digits')
      .optional(),
    environment: z.enum(['sandbox', 'production']),
  })
  .refine(({ serverKey, environment }) => environment === 'sandbox' || !isOfSandbox(serverKey), {
    path: ['serverKey'],
    message: 'is a key of the sandbox, which the production environment refuses',
  })
  .refine(
    ({ clientKey, environment }) =>
      environment === 'sandbox' || clientKey === undefined || !isOfSandbox(clientKey),
    {
      path: ['clientKey'],
      message: 'is a key of the sandbox, which the production environment refuses',
    },
  );
export type MidtransAccountRequest = z.infer<typeof MidtransAccountRequest>;

/** That a key is set, and not which one. */
export type MidtransAccountReply = {
  readonly success: true;
  readonly account: {
    readonly hasServerKey: boolean;
    readonly environment: 'sandbox' | 'production';
    readonly merchantId: string | undefined;
  };
};

function isOfSandbox(text: string): boolean {
  return text.startsWith('SB-');
}
