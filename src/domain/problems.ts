/**
 * Every refusal that Kassa makes on purpose: its HTTP status, its title, and whether the same
 * request may succeed later. The key is the stable `code` that clients branch on.
 */
const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid', retryable: false },
  'invalid-json': { status: 400, title: 'The body is not valid JSON', retryable: false },
  'body-too-large': { status: 413, title: 'The body is too large', retryable: false },
  'address-too-long': { status: 414, title: 'The address is too long', retryable: false },
  'request-timeout': { status: 408, title: 'The request came too slowly', retryable: true },
  'expectation-failed': { status: 417, title: 'The expectation fails', retryable: false },
  'host-unknown': { status: 421, title: 'The host is not served here', retryable: false },
  'headers-too-large': { status: 431, title: 'The headers are too large', retryable: false },
  'too-many-requests': { status: 429, title: 'Too many requests', retryable: true },
  'too-many-notifications': {
    status: 429,
    title: 'Too many unconfirmed notifications',
    retryable: true,
  },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON', retryable: false },
  'not-found': { status: 404, title: 'There is nothing here', retryable: false },
  'method-not-allowed': { status: 405, title: 'The method does not fit', retryable: false },
  'method-unknown': { status: 501, title: 'The method is not known', retryable: false },
  'tenant-missing': { status: 400, title: 'No tenant was named', retryable: false },
  'tenant-conflict': { status: 400, title: 'Two tenants were named', retryable: false },
  'tenant-not-found': { status: 404, title: 'There is no such tenant', retryable: false },
  'tenant-inactive': { status: 403, title: 'The tenant is not active', retryable: false },
  'credentials-required': { status: 401, title: 'Credentials are required', retryable: false },
  'key-invalid': { status: 401, title: 'The key is not valid', retryable: false },
  'key-not-found': { status: 404, title: 'There is no such key', retryable: false },
  'key-not-active': { status: 409, title: 'The key has ended', retryable: false },
  'key-already-rotated': {
    status: 409,
    title: 'Another key took its place',
    retryable: false,
  },
  'too-many-keys': { status: 409, title: 'There are too many keys', retryable: false },
  'not-allowed': { status: 403, title: 'This is not allowed', retryable: false },
  'second-factor-required': {
    status: 403,
    title: 'A second factor is required',
    retryable: false,
  },
  'confirmation-required': {
    status: 403,
    title: 'The password has to be given again',
    retryable: false,
  },
  'origin-not-allowed': {
    status: 403,
    title: 'The request comes from a foreign page',
    retryable: false,
  },
  'sign-in-failed': { status: 401, title: 'The sign-in failed', retryable: false },
  'email-not-verified': {
    status: 403,
    title: 'The mail address is not confirmed yet',
    retryable: false,
  },
  'second-factor-expired': {
    status: 401,
    title: 'The sign-in took too long',
    retryable: false,
  },
  'second-factor-invalid': {
    status: 401,
    title: 'The code is not the right one',
    retryable: false,
  },
  'second-factor-on-already': {
    status: 409,
    title: 'The second factor is on already',
    retryable: false,
  },
  'second-factor-not-on': { status: 409, title: 'The second factor is not on', retryable: false },
  'password-wrong': { status: 403, title: 'The password is not the right one', retryable: false },
  'password-weak': { status: 400, title: 'The password is too weak', retryable: false },
  'token-invalid': { status: 400, title: 'The link cannot be used', retryable: false },
  'session-not-found': { status: 404, title: 'There is no such session', retryable: false },
  'idempotency-key-invalid': {
    status: 400,
    title: 'The idempotency key is not valid',
    retryable: false,
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The idempotency key stands for another request',
    retryable: false,
  },
  'idempotency-key-in-use': {
    status: 409,
    title: 'The same request is under way',
    retryable: true,
  },
  'order-not-found': { status: 404, title: 'There is no such order', retryable: false },
  'order-content-differs': {
    status: 409,
    title: 'The order id stands for another order',
    retryable: false,
  },
  'order-already-paid': { status: 409, title: 'The order is paid', retryable: false },
  'order-quota-exceeded': {
    status: 403,
    title: "This month's orders are used up",
    retryable: false,
  },
  'payment-in-progress': { status: 409, title: 'The payment is being created', retryable: true },
  'payment-reference-used': {
    status: 409,
    title: 'The payment provider knows this order id already',
    retryable: true,
  },
  'payment-refused': {
    status: 502,
    title: 'The payment provider refused the payment',
    retryable: false,
  },
  'refund-not-possible': {
    status: 409,
    title: 'Nothing of this order can be refunded',
    retryable: false,
  },
  'refund-too-large': {
    status: 409,
    title: 'More than what is left cannot be refunded',
    retryable: false,
  },
  'refund-in-progress': { status: 409, title: 'The refund is under way', retryable: true },
  'refund-refused': {
    status: 409,
    title: 'The payment provider refused the refund',
    retryable: false,
  },
  'refund-outcome-unknown': {
    status: 503,
    title: 'The payment provider did not answer clearly',
    retryable: true,
  },
  'order-not-cancellable': {
    status: 409,
    title: 'The order cannot be cancelled',
    retryable: false,
  },
  'order-not-capturable': {
    status: 409,
    title: 'The order cannot be captured',
    retryable: false,
  },
  'order-change-in-progress': {
    status: 409,
    title: 'The order is being changed',
    retryable: true,
  },
  'member-not-found': { status: 404, title: 'There is no such member', retryable: false },
  'member-exists': { status: 409, title: 'The address is a member already', retryable: false },
  'last-owner': { status: 409, title: 'A tenant needs an owner', retryable: false },
  'last-superadmin': { status: 409, title: 'The platform needs a superadmin', retryable: false },
  'invitation-not-found': {
    status: 404,
    title: 'There is no such open invitation',
    retryable: false,
  },
  'invitation-open': { status: 409, title: 'The address is invited already', retryable: false },
  'too-many-invitations': {
    status: 409,
    title: 'Too many invitations are open',
    retryable: false,
  },
  'invitation-not-usable': {
    status: 404,
    title: 'The invitation cannot be used',
    retryable: false,
  },
  'invitation-for-another': {
    status: 403,
    title: 'The invitation is for another address',
    retryable: false,
  },
  'support-grant-not-found': {
    status: 404,
    title: 'There is no such running grant',
    retryable: false,
  },
  'support-grant-running': { status: 409, title: 'A grant is running', retryable: false },
  'attention-item-not-found': {
    status: 404,
    title: 'There is no such item on the list',
    retryable: false,
  },
  'reconciliation-not-found': {
    status: 404,
    title: 'There is no such reconciliation',
    retryable: false,
  },
  'reconciliation-in-progress': {
    status: 409,
    title: 'Another reconciliation is running',
    retryable: true,
  },
  'provider-credentials-refused': {
    status: 502,
    title: "The payment provider refused the merchant's key",
    retryable: false,
  },
  'provider-not-configured': {
    status: 503,
    title: 'The merchant has no payment provider yet',
    retryable: false,
  },
  'provider-unavailable': {
    status: 503,
    title: 'The payment provider cannot be reached',
    retryable: true,
  },
  'payment-outcome-unknown': {
    status: 503,
    title: 'The payment provider did not answer clearly',
    retryable: true,
  },
  'notification-malformed': {
    status: 400,
    title: 'The notification is not well formed',
    retryable: false,
  },
  'notification-signature-invalid': {
    status: 403,
    title: 'The signature does not fit',
    retryable: false,
  },
  'notification-contradicts': {
    status: 409,
    title: 'The notification contradicts the books',
    retryable: false,
  },
  'database-unavailable': {
    status: 503,
    title: 'The database cannot be reached',
    retryable: true,
  },
  'internal-error': { status: 500, title: 'Something went wrong on our side', retryable: true },
} as const;

export type ProblemCode = keyof typeof problems;
export type FieldError = { readonly field: string; readonly message: string };

type ProblemOptions = ErrorOptions & {
  readonly errors?: readonly FieldError[];
  /** Seconds after which a retry makes sense; sent as `Retry-After`. */
  readonly retryAfter?: number;
};

/** A refusal we chose to make. Anything else that is thrown is a defect and answers a bare 500. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[];
  readonly retryAfter: number | undefined;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.name = 'Problem';
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return problems[this.code].status;
  }

  /** The same request may succeed later, by itself or once somebody mended the cause. */
  get mayPass(): boolean {
    return problems[this.code].retryable || this.status >= 500;
  }

  /** The members of RFC 9457, and ours: `success`, `code`, `retryable`, `requestId`, `errors`. */
  toBody(requestId: string) {
    const { status, title, retryable } = problems[this.code];
    return {
      success: false,
      type: `/problems/${this.code}`,
      title,
      status,
      detail: this.message,
      code: this.code,
      retryable,
      requestId,
      ...(this.errors.length > 0 && { errors: this.errors }),
    };
  }
}
