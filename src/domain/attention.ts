/**
 * Why an order waits for a person, by the code that the database and clients know, and the sentence
 * that the person reads: what is the matter, then what to do.
 */
export const attentionSentences = {
  'late-money':
    'Money arrived for a payment that had ended. Deliver what was ordered, or refund it.',
  'paid-twice': 'The order was paid more than once. Refund what is too much.',
  'fee-on-top':
    'The provider charged the shopper a fee on top of the order. A full refund includes the fee.',
  'charged-back':
    "The shopper's bank took the money back. Answer the chargeback in the provider's dashboard.",
  reversed:
    'The bank took the money back after the order was paid. Stop the delivery, or ask the shopper to pay again.',
  'refund-refused-by-bank':
    'The bank refused a refund that the provider had accepted. The money is still here: pay the shopper back another way.',
  'refund-refused':
    'The provider refused a refund that was left to go on by itself. Nothing went back: pay the shopper back another way.',
  'refund-stalled':
    "A refund has had no end for long. Look for it in the provider's dashboard, and ask the provider.",
  'change-refused':
    'The provider refused a cancel or a capture that was left to go on by itself. Look at the order.',
  'change-stalled':
    "Nobody knows what became of a cancel or a capture. Look for it in the provider's dashboard.",
  'unknown-there':
    "The provider does not know a payment that has money here. Compare the order with the provider's dashboard.",
  'amount-differs':
    "The provider reports another amount than the order's. Compare the order with the provider's dashboard.",
  'news-that-cannot-be':
    "The provider reports what cannot be, and nothing was changed. Compare the order with the provider's dashboard.",
  'fraud-hold': 'Fraud screening holds the payment. Approve or deny it at the provider.',
} as const;

export type AttentionReason = keyof typeof attentionSentences;
