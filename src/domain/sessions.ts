/** How long a session and what surrounds it live, in seconds. */
export const sessionTimes = {
  /** Without a request in between. */
  idle: 12 * 3_600,
  /** However much it is used. */
  absolute: 14 * 86_400,
  /** After the password was given; for what is hard to undo. */
  fresh: 15 * 60,
  /** Between the password and the second factor. */
  secondFactor: 10 * 60,
  /** A browser that signed in before is known as the owner's. */
  device: 180 * 86_400,
} as const;

/** How long what is mailed can be used, in seconds. */
export const tokenTimes = { verifyEmail: 24 * 3_600, resetPassword: 3_600 } as const;
