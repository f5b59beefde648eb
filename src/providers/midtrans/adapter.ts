import type { Money } from '../../domain/money.ts';
import type { MidtransAccount } from '../../domain/tenant.ts';
import type {
  AttemptsAnswer,
  ChangeOutcome,
  CreateOutcome,
  PaymentIntent,
  RefundIntent,
  RefundOutcome,
  StatusAnswer,
} from '../payment-provider.ts';
import { MidtransFailure, openClient } from './client.ts';
import {
  AttemptsReply,
  ChangeReply,
  contradictionIn,
  PageCancelReply,
  SnapReply,
  StatusReply,
  toBookedObservation,
} from './messages.ts';

type Options = { readonly baseUrl: string | undefined; readonly timeoutMs: number };
type StatusQuestion = {
  readonly reference: string;
  /** Ask about this attempt; otherwise about the one that counts for the reference. */
  readonly transactionId?: string;
  readonly timeoutMs?: number;
};

/** `in-use`: a method was chosen on the page, or may be yet. */
export type PageEnd = 'closed' | 'in-use' | 'unavailable';

export type MidtransAdapter = ReturnType<typeof createMidtransAdapter>;

/** Midtrans behind our own words: whole rupiah, Snap pages, and what its answers really mean. */
export function createMidtransAdapter(options: Options) {
  /** Makes a hosted page. For a reference whose page nobody used yet, a new page replaces it. */
  async function create(account: MidtransAccount, intent: PaymentIntent): Promise<CreateOutcome> {
    const client = openClient(account, options);
    try {
      const reply = await client.createTransaction(toSnapRequest(intent), {
        // Per transaction, so that tenants who share an account still are told each on their own.
        'X-Override-Notification': intent.notificationUrl,
      });
      const parsed = SnapReply.safeParse(reply);
      if (!parsed.success) return { kind: 'unknown' }; // HTML, or JSON of another shape
      const { token, redirect_url } = parsed.data;
      return { kind: 'created', token, redirectUrl: redirect_url };
    } catch (error) {
      return toCreateOutcome(error);
    }
  }

  /** What the provider's books say. Never throws for what the network or Midtrans does. */
  async function status(account: MidtransAccount, question: StatusQuestion): Promise<StatusAnswer> {
    const client = openClient(account, {
      ...options,
      timeoutMs: question.timeoutMs ?? options.timeoutMs,
    });
    try {
      const askedAt = new Date();
      const reply = await client.status(question.transactionId ?? question.reference);
      return toStatusAnswer(reply, { reference: question.reference, askedAt });
    } catch (error) {
      if (!(error instanceof MidtransFailure)) throw error;
      if (error.code === 404) return { kind: 'not-found' };
      return { kind: 'unavailable', reason: error.message };
    }
  }

  /**
   * What the books say of every attempt on a page: by its reference `status` shows one of them. None
   * where Midtrans has no such list.
   */
  async function attempts(
    account: MidtransAccount,
    { reference, timeoutMs }: Omit<StatusQuestion, 'transactionId'>,
  ): Promise<AttemptsAnswer> {
    const client = openClient(account, { ...options, timeoutMs: timeoutMs ?? options.timeoutMs });
    try {
      const askedAt = new Date();
      const parsed = AttemptsReply.safeParse(await client.attempts(reference));
      const listed = parsed.success ? parsed.data.transactions : [];
      const answers = listed.map((reply) => toStatusAnswer(reply, { reference, askedAt }));
      const found = answers.flatMap((answer) =>
        answer.kind === 'found' ? answer.observation : [],
      );
      return { kind: 'found', attempts: found };
    } catch (error) {
      if (!(error instanceof MidtransFailure)) throw error;
      if (error.code === 404) return { kind: 'found', attempts: [] };
      return { kind: 'unavailable', reason: error.message };
    }
  }

  /**
   * Asks to end a pending transaction, so that nobody can pay it later. What came of it is for
   * `status` to say: it may have been paid in the same moment.
   */
  async function expire(account: MidtransAccount, reference: string): Promise<void> {
    await openClient(account, options).expire(reference).catch(ignoreFailure);
  }

  /** Ends a page on which no method is chosen, so that nobody can begin to pay it later. */
  async function cancelPage(account: MidtransAccount, token: string): Promise<PageEnd> {
    try {
      const reply = await openClient(account, options).cancelPage(token);
      return PageCancelReply.safeParse(reply).success ? 'closed' : 'unavailable';
    } catch (error) {
      if (!(error instanceof MidtransFailure)) throw error;
      if (error.code === undefined || error.code >= 500) return 'unavailable';
      // Cancelled before, or forgotten by Midtrans: there is nothing to pay on. Any other wording
      // is taken for "Transaction is on progress": the page may be in use.
      const isGone = error.messages.some((message) =>
        /already cancell?ed|not found|expired/i.test(message),
      );
      return isGone ? 'closed' : 'in-use';
    }
  }

  /** Gives money back. The same key again is the same refund, whatever became of the first call. */
  async function refund(account: MidtransAccount, intent: RefundIntent): Promise<RefundOutcome> {
    const { transactionId, key, reason } = intent;
    const amount = toRupiah(intent.money);
    try {
      const request = { refund_key: key, amount, ...(reason && { reason }) };
      const reply = await openClient(account, options).refund(transactionId, request);
      return toRefundOutcome(reply, key);
    } catch (error) {
      if (error instanceof MidtransFailure && error.code === 406) return { kind: 'key-used' };
      return toChangeFailure(error);
    }
  }

  /** Releases a reserved card, or takes back a captured one that is not settled yet. */
  async function cancel(account: MidtransAccount, transactionId: string): Promise<ChangeOutcome> {
    return change(() => openClient(account, options).cancel(transactionId));
  }

  /** Charges a reserved card. */
  async function capture(
    account: MidtransAccount,
    { transactionId, money }: Pick<RefundIntent, 'transactionId' | 'money'>,
  ): Promise<ChangeOutcome> {
    const request = { transaction_id: transactionId, gross_amount: toRupiah(money) };
    return change(() => openClient(account, options).capture(request));
  }

  return { create, status, attempts, expire, cancelPage, refund, cancel, capture };
}

function ignoreFailure(error: unknown): void {
  if (!(error instanceof MidtransFailure)) throw error;
}

function toSnapRequest(intent: PaymentIntent) {
  const { money, customer } = intent;
  return {
    transaction_details: {
      order_id: intent.reference,
      gross_amount: toRupiah(money),
    },
    customer_details: {
      first_name: customer.name,
      email: customer.email,
      // Some banks refuse what is not a number; Midtrans does without.
      ...(customer.phone &&
        /^\+?[\d\s().-]{5,30}$/.test(customer.phone) && { phone: customer.phone }),
    },
    ...(intent.method && { enabled_payments: [intent.method] }),
    ...(intent.returnUrl && { callbacks: { finish: intent.returnUrl } }),
    // One deadline for the page and for a chosen method, counted from our own clock.
    expiry: {
      start_time: toMidtransTime(intent.createdAt),
      unit: 'minutes',
      duration: intent.expiryMinutes,
    },
    page_expiry: { unit: 'minutes', duration: intent.expiryMinutes },
  };
}

function toRupiah(money: Money): number {
  if (money.currency !== 'IDR') throw new Error('Midtrans takes rupiah only.');
  return Number(money.amount); // below 2^53: the contract's limit
}

/** `yyyy-MM-dd HH:mm:ss +0700`, which is how Midtrans writes and reads a time. */
function toMidtransTime(at: Date): string {
  const jakarta = new Date(at.getTime() + 7 * 3_600_000).toISOString();
  return `${jakarta.slice(0, 10)} ${jakarta.slice(11, 19)} +0700`;
}

function toCreateOutcome(error: unknown): CreateOutcome {
  if (!(error instanceof MidtransFailure)) throw error;
  if (error.kind === 'not-sent') return { kind: 'not-executed' };
  const { code = 0, messages } = error;
  if (code === 401) return { kind: 'credentials-refused' };
  if (code === 429) return { kind: 'not-executed' };
  if (code < 400 || code === 408 || code >= 500) return { kind: 'unknown' };
  // The sentence depends on the transaction's state and on the account's language. Our references
  // are well formed, so a complaint about one says that it is used.
  const isTaken = messages.some((message) => /order_id/i.test(message));
  if (isTaken || code === 406) return { kind: 'reference-used' };
  return { kind: 'refused', detail: messages.join('; ') };
}

function toRefundOutcome(reply: unknown, key: string): RefundOutcome {
  const outcome = toChangeOutcome(reply);
  if (outcome.kind !== 'done') return outcome;
  const { refund_key = key } = ChangeReply.parse(reply);
  return { kind: refund_key === key ? 'accepted' : 'unknown' };
}

async function change(call: () => Promise<unknown>): Promise<ChangeOutcome> {
  try {
    return toChangeOutcome(await call());
  } catch (error) {
    return toChangeFailure(error);
  }
}

/** A refusal of the bank comes as a success, too: only the code inside tells them apart. */
function toChangeOutcome(reply: unknown): ChangeOutcome {
  const parsed = ChangeReply.safeParse(reply);
  if (!parsed.success) return { kind: 'unknown' }; // HTML, or JSON of another shape
  const { status_code, status_message = '' } = parsed.data;
  if (status_code === '200') return { kind: 'done' };
  // 202: denied by the bank. 407: expired, which the library lets pass because `expire` wants it.
  const isRefusal = status_code === '202' || status_code === '407';
  return isRefusal ? { kind: 'refused', detail: status_message } : { kind: 'unknown' };
}

function toChangeFailure(error: unknown): Exclude<ChangeOutcome, { kind: 'done' }> {
  if (!(error instanceof MidtransFailure)) throw error;
  const { code = 0, messages } = error;
  // A key that is not valid now may be mended: that is no word about what was asked for.
  const isRefusal = code >= 400 && code < 500 && ![401, 408, 429].includes(code);
  return isRefusal ? { kind: 'refused', detail: messages.join('; ') } : { kind: 'unknown' };
}

function toStatusAnswer(
  reply: unknown,
  { reference, askedAt }: { reference: string; askedAt: Date },
): StatusAnswer {
  const parsed = StatusReply.safeParse(reply);
  if (!parsed.success) return { kind: 'unavailable', reason: 'Midtrans sent an unknown shape.' };
  const contradiction = contradictionIn(parsed.data);
  if (contradiction) return { kind: 'unavailable', reason: contradiction };
  const observation = toBookedObservation(parsed.data, askedAt);
  // Asked by transaction id, the answer may be about another order: such an id is not signed.
  if (observation.reference !== reference) return { kind: 'not-found' };
  return { kind: 'found', observation };
}
