import { type PaymentMethod, paymentMethods } from '../domain/payment-methods.ts';
import type { MailLocale } from './mail-locale.ts';

type Name = string | Record<MailLocale, string>;

const card: Name = { en: 'Card', id: 'Kartu', sv: 'Kort' };
const bankTransfer: Name = { en: 'Bank transfer', id: 'Transfer bank', sv: 'Banköverföring' };
const shop: Name = { en: 'Convenience store', id: 'Gerai', sv: 'Butik' };

// A brand is called the same everywhere.
const names: Record<PaymentMethod, Name> = {
  credit_card: card,
  echannel: 'Mandiri Bill',
  permata_va: 'Permata Virtual Account',
  bca_va: 'BCA Virtual Account',
  bni_va: 'BNI Virtual Account',
  bri_va: 'BRI Virtual Account',
  cimb_va: 'CIMB Virtual Account',
  danamon_va: 'Danamon Virtual Account',
  bsi_va: 'BSI Virtual Account',
  seabank_va: 'SeaBank Virtual Account',
  saqu_va: 'Bank Saqu Virtual Account',
  other_va: bankTransfer,
  gopay: 'GoPay',
  ovo: 'OVO',
  dana: 'DANA',
  shopeepay: 'ShopeePay',
  other_qris: 'QRIS',
  alfamart: 'Alfamart',
  indomaret: 'Indomaret',
  akulaku: 'Akulaku',
  kredivo: 'Kredivo',
  cimb_clicks: 'CIMB Clicks',
  bca_klikbca: 'KlikBCA',
  bca_klikpay: 'BCA KlikPay',
  bri_epay: 'BRI Epay',
  danamon_online: 'Danamon Online',
  uob_ezpay: 'UOB EZ Pay',
  kioson: 'Kioson',
  bank_transfer: bankTransfer,
  cstore: shop,
  store: shop,
};

// Words that providers answer with although nobody can ask for them.
const reported = new Map<string, Name>([
  ['qris', 'QRIS'],
  ['card', card],
]);

/** The name that a shopper knows the method by; a code that we do not know is shown as given. */
export function paymentMethodName(code: string, locale: MailLocale): string {
  const known = paymentMethods.find((method) => method === code);
  const name = known ? names[known] : reported.get(code);
  return typeof name === 'object' ? name[locale] : (name ?? code);
}
