import { type Currency, formatMoney } from '../domain/money.ts';
import { formatInstant, type MailLocale, mailLocaleOf } from './mail-locale.ts';
import { type OrderMailFacts, type OrderMailKind, orderMailWords } from './order-mail-words.ts';
import { paymentMethodName } from './payment-method-names.ts';
import { plainName } from './plain-name.ts';
import { type RenderedMail, renderTemplates, webAddress } from './templates.ts';

export type OrderMailInput = {
  readonly kind: OrderMailKind;
  readonly locale: string;
  readonly tenant: { readonly name: string };
  readonly order: {
    readonly orderId: string;
    readonly amount: bigint;
    /** What the provider charged on top. */
    readonly customerFee?: bigint | undefined;
    readonly currency: Currency;
    readonly customerName: string;
    /** Where to pay; without it the mail of a new order leads to its status page. */
    readonly payUrl?: string | undefined;
    readonly statusUrl: string;
    readonly expiresAt?: Date | undefined;
    readonly paidAt?: Date | undefined;
    readonly paymentMethod?: string | undefined;
    readonly timeZone: string;
  };
};

/** The mail that tells a shopper what has become of an order, in the shopper's language. */
export function renderOrderMail(input: OrderMailInput): RenderedMail {
  return renderTemplates('order-mail', viewOf(input));
}

function viewOf({ kind, locale, tenant, order }: OrderMailInput) {
  const language = mailLocaleOf(locale);
  const words = orderMailWords[language];
  const kindWords = words.kinds[kind];
  const facts: OrderMailFacts = {
    merchant: plainName(tenant.name),
    orderId: plainName(order.orderId),
    // What the shopper's own bank shows: everything that was paid.
    amount: formatMoney({ ...order, amount: order.amount + (order.customerFee ?? 0n) }, language),
    expiresAt: order.expiresAt && formatInstant(order.expiresAt, order.timeZone, language),
  };
  const paragraphs = kindWords.paragraphs(facts).filter((paragraph) => paragraph !== undefined);
  const toOrder = webAddress(order.statusUrl);
  const toPayment = kind === 'created' && order.payUrl ? webAddress(order.payUrl) : undefined;
  return {
    language,
    kind,
    status: kindWords.status,
    statusLabel: words.labels.status,
    merchant: facts.merchant,
    subject: kindWords.subject(facts),
    preheader: paragraphs[0] ?? '',
    heading: kindWords.heading,
    greeting: words.greeting(plainName(order.customerName)),
    paragraphs,
    button: toPayment
      ? { label: words.pay(facts), url: toPayment }
      : { label: words.viewOrder, url: toOrder },
    // The one button leads to the payment, so the way to the order page is a line of its own.
    follow: toPayment ? { label: words.followOrder, url: toOrder } : undefined,
    facts: [
      { label: words.labels.order, value: facts.orderId },
      ...amountRows(order, facts, language),
      ...kindRows(kind, order, facts, language),
    ],
    safety: words.safety,
    reason: words.reason(facts),
  };
}

/** With a fee on top, how the total came about. */
function amountRows(
  { amount, customerFee = 0n, currency }: OrderMailInput['order'],
  facts: OrderMailFacts,
  language: MailLocale,
) {
  const { labels } = orderMailWords[language];
  if (customerFee === 0n) return [{ label: labels.amount, value: facts.amount }];
  return [
    { label: labels.amount, value: formatMoney({ amount, currency }, language) },
    { label: labels.customerFee, value: formatMoney({ amount: customerFee, currency }, language) },
    { label: labels.total, value: facts.amount },
  ];
}

function kindRows(
  kind: OrderMailKind,
  { paidAt, paymentMethod, timeZone }: OrderMailInput['order'],
  { expiresAt }: OrderMailFacts,
  language: MailLocale,
) {
  const { labels } = orderMailWords[language];
  const rows = {
    created: [{ label: labels.payBefore, value: expiresAt }],
    paid: [
      { label: labels.paidAt, value: paidAt && formatInstant(paidAt, timeZone, language) },
      {
        label: labels.paymentMethod,
        value: paymentMethod && plainName(paymentMethodName(paymentMethod, language)),
      },
    ],
    failed: [],
    expired: [],
  };
  return rows[kind].filter(({ value }) => value);
}
