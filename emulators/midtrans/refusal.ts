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
  'refund-not-found': 404,
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

/** The one sentence of Midtrans for whatever a transaction's state does not allow. */
export function notModifiable(): Refusal {
  const message = 'Merchant cannot modify the status of the transaction';
  return new Refusal('transaction-not-modifiable', message);
}

/** The 4xx status of an error that Express' parsers blame on the caller; undefined for a defect. */
export function clientErrorStatus(error: unknown): number | undefined {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
