import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decide,
  hasMoney,
  isOpen,
  mayStartAgain,
  type ObservedState,
  observedStates,
  type PaymentStatus,
  paymentTransitions,
} from '../domain/payment-states.ts';

// Random lives of a payment at the provider, told in any order, any number of times: in the end we
// say what the provider's books say. The books below are written from Midtrans' status cycle, not
// from our table.

/** What may become of a transaction at the provider; what it ends as is left out. */
const lives: Partial<Record<ObservedState, readonly ObservedState[]>> = {
  pending: ['paid', 'challenged', 'authorized', 'denied', 'expired', 'cancelled'],
  challenged: ['paid', 'denied', 'cancelled'],
  authorized: ['paid', 'denied', 'cancelled', 'expired'],
  paid: ['partially_refunded', 'refunded', 'disputed', 'cancelled', 'denied'],
  partially_refunded: ['refunded', 'disputed'],
  expired: ['paid'], // settled late by the bank
};
const money: readonly ObservedState[] = ['paid', 'partially_refunded', 'refunded', 'disputed'];

type Attempt = { readonly id: string; readonly life: ObservedState[] };
type Payment = {
  status: PaymentStatus;
  transactionId: string | undefined;
  capturedAmount: bigint;
};

/** Something happens at the provider, or a message about something that happened arrives here. */
const anyStep = fc.record({
  kind: fc.constantFrom('happens', 'arrives'),
  choice: fc.nat(1_000),
  beginsAnew: fc.boolean(),
});

function pick<T>(values: readonly T[], choice: number): T {
  const value = values[choice % values.length];
  if (value === undefined) throw new Error('There is nothing to choose from.');
  return value;
}

/** A further attempt on the page begins only after a refusal. */
function happen(
  attempts: Attempt[],
  { choice, beginsAnew }: { choice: number; beginsAnew: boolean },
) {
  const current = pick(attempts, attempts.length - 1);
  const state = stateOf(current);
  const wasPaid = current.life.some((past) => money.includes(past));
  if (state === 'denied' && !wasPaid && beginsAnew) {
    attempts.push({ id: `T-${attempts.length + 1}`, life: ['pending'] });
    return;
  }
  const next = lives[state];
  if (next) current.life.push(pick(next, choice));
}

function stateOf({ life }: Attempt): ObservedState {
  return life.at(-1) ?? 'pending';
}

/** A payment of ours hears of a transaction, as `applyObservation` and the notifications do it. */
function hear(payment: Payment, attempt: Attempt, claim: ObservedState): Payment {
  const { id: transactionId } = attempt;
  const asClaimed = decide(payment, { state: claim, transactionId });
  const isNew =
    claim === 'pending' && payment.status === 'pending' && payment.transactionId !== transactionId;
  // Whatever would change something is not believed: the provider's books are asked.
  const isHarmless = asClaimed.kind === 'stay' && !isNew;
  const state = isHarmless ? claim : stateOf(attempt);
  const decision = decide(payment, { state, transactionId });
  expect(decision.kind).not.toBe('further'); // one attempt of these at most takes money
  if (decision.kind === 'move') {
    if (decision.to !== payment.status) {
      expect(paymentTransitions[payment.status]).toContain(decision.to);
    }
    return { ...payment, status: decision.to, transactionId };
  }
  const begins = state === 'pending' && payment.status === 'pending';
  return begins ? { ...payment, transactionId } : payment;
}

/** What the books say of the page: by the attempt that took money, or else by the newest. */
function decisive(attempts: readonly Attempt[]): Attempt {
  const paid = attempts.find(({ life }) => life.some((state) => money.includes(state)));
  return paid ?? pick(attempts, attempts.length - 1);
}

test('10 000 random lives, told in any order, end as the books say', () => {
  const ends = new Set<PaymentStatus>();
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const attempts: Attempt[] = [{ id: 'T-1', life: ['pending'] }];
      let payment: Payment = {
        status: 'creating',
        transactionId: undefined,
        capturedAmount: 0n,
      };
      let hadMoney = false;
      for (const step of steps) {
        if (step.kind === 'happens') happen(attempts, step);
        else {
          const attempt = pick(attempts, step.choice);
          payment = hear(payment, attempt, pick(attempt.life, step.choice));
        }
        hadMoney ||= hasMoney(payment.status);
        payment.capturedAmount = hadMoney ? 1n : 0n;
      }
      // Its time is up: the sweep ends at the provider what is pending, and asks once more.
      const last = decisive(attempts);
      if (stateOf(last) === 'pending') last.life.push('expired');
      const state = stateOf(last);
      payment = hear(payment, last, state);
      const isOver = state === 'denied' || state === 'cancelled' || state === 'expired';
      if (isOver && isOpen(payment.status)) payment.status = 'expired';

      ends.add(payment.status);
      if (!isOver) expect(payment).toMatchObject({ status: state, transactionId: last.id });
      // Whatever ended without money may be sold again, however it ended and we heard of it.
      else if (!hadMoney) expect(mayStartAgain(payment.status)).toBe(true);
      else expect(payment.status).toBe(state === 'denied' ? 'failed' : state);
    }),
    { numRuns: 10_000 },
  );
  const passing = ['creating', 'unknown', 'pending'];
  const lasting = Object.keys(paymentTransitions).filter((one) => !passing.includes(one));
  expect([...ends].toSorted()).toEqual(lasting.toSorted());
});

test('whatever is observed, a payment goes along the edges of the table', () => {
  const statuses = Object.keys(paymentTransitions) as PaymentStatus[];
  for (const status of statuses) {
    for (const state of observedStates) {
      for (const transactionId of [undefined, 'T-1', 'T-2']) {
        const decision = decide(
          { status, transactionId, capturedAmount: 0n },
          { state, transactionId: 'T-1' },
        );
        const isMoved = decision.kind === 'move' && decision.to !== status;
        if (isMoved) expect(paymentTransitions[status]).toContain(decision.to);
      }
    }
  }
});
