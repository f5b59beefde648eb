import type { MidtransAccount } from '../../domain/tenant.ts';
import type {
  CreateOutcome,
  Observation,
  PaymentIntent,
  StatusAnswer,
} from '../payment-provider.ts';
import { MidtransFailure, openClient } from './client.ts';
import { CodeReply, contradictionIn, SnapReply, StatusReply, toObservation } from './messages.ts';

type Options = { readonly baseUrl: string | undefined; readonly timeoutMs: number };
type StatusQuestion = {
  readonly reference: string;
  /** Ask about this attempt; otherwise about the one that counts for the reference. */
  readonly transactionId?: string;
  readonly timeoutMs?: number;
};

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
      const reply = await client.status(question.transactionId ?? question.reference);
      return toStatusAnswer(reply, question.reference);
    } catch (error) {
      if (!(error instanceof MidtransFailure)) throw error;
      if (error.code === 404) return { kind: 'not-found' };
      return { kind: 'unavailable', reason: error.message };
    }
  }

  /**
   * Ends a page's pending transaction, so that nobody can pay it later. True when it has ended,
   * false when Midtrans would not (it is paid, or was never begun) or did not answer.
   */
  async function expire(account: MidtransAccount, reference: string): Promise<boolean> {
    try {
      const reply = await openClient(account, options).expire(reference);
      return CodeReply.safeParse(reply).data?.status_code === '407';
    } catch (error) {
      if (error instanceof MidtransFailure) return false;
      throw error;
    }
  }

  return { create, status, expire };
}

function toSnapRequest(intent: PaymentIntent) {
  const { money, customer } = intent;
  if (money.currency !== 'IDR') throw new Error('Midtrans takes rupiah only.');
  return {
    transaction_details: {
      order_id: intent.reference,
      gross_amount: Number(money.amount), // below 2^53: the contract's limit
    },
    customer_details: {
      first_name: customer.name,
      email: customer.email,
      ...(customer.phone && { phone: customer.phone }),
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

/** `yyyy-MM-dd HH:mm:ss +0700`, which is how Midtrans writes and reads a time. */
function toMidtransTime(at: Date): string {
  const jakarta = new Date(at.getTime() + 7 * 3_600_000).toISOString();
  return `${jakarta.slice(0, 10)} ${jakarta.slice(11, 19)} +0700`;
}

function toCreateOutcome(error: unknown): CreateOutcome {
  if (!(error instanceof MidtransFailure)) throw error;
  if (error.kind === 'not-sent') return { kind: 'not-executed' };
  if (error.code === 401) return { kind: 'credentials-refused' };
  if (error.code === 429) return { kind: 'not-executed' };
  if (error.code === undefined || error.code >= 500 || error.code < 400) return { kind: 'unknown' };
  // The sentence depends on state and language; that a 400 speaks of the id and not of its form
  // means that the id is taken.
  const isTaken = error.messages.some(
    (message) =>
      /order_id/i.test(message) &&
      /taken|utilized|paid|digunakan|used|processed|duplicate/i.test(message),
  );
  if (isTaken || error.code === 406) return { kind: 'reference-used' };
  return { kind: 'refused', detail: error.messages.join('; ') };
}

function toStatusAnswer(reply: unknown, reference: string): StatusAnswer {
  const parsed = StatusReply.safeParse(reply);
  if (!parsed.success) return { kind: 'unavailable', reason: 'Midtrans sent an unknown shape.' };
  const contradiction = contradictionIn(parsed.data);
  if (contradiction) return { kind: 'unavailable', reason: contradiction };
  const observation: Observation = toObservation(parsed.data);
  // Asked by transaction id, the answer may be about another order: such an id is not signed.
  if (observation.reference !== reference) return { kind: 'not-found' };
  return { kind: 'found', observation };
}
