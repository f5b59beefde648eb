const statuses = {
  'account-not-found': 404,
  'account-taken': 409,
  'bad-request': 400,
  'notification-not-found': 404,
  'order-not-found': 404,
  'order-not-payable': 409,
  'transaction-processed': 409,
  'transaction-not-found': 404,
  'transaction-not-modifiable': 409,
  'refund-duplicate': 409,
  'refund-too-large': 409,
} as const;
export type RefusalCode = keyof typeof statuses;

/** Something that this emulator chose not to do; each interface words it in its own manner. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }

  get httpStatus(): number {
    return statuses[this.code];
  }
}
