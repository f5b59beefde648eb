/**
 * The payment methods that a storefront may ask for, by Midtrans' codes for `enabled_payments`
 * (docs.midtrans.com, Snap request body), with those of older integrations and the two group names.
 */
export const paymentMethods = [
  'credit_card',
  'echannel',
  'permata_va',
  'bca_va',
  'bni_va',
  'bri_va',
  'cimb_va',
  'danamon_va',
  'bsi_va',
  'seabank_va',
  'saqu_va',
  'other_va',
  'gopay',
  'ovo',
  'dana',
  'shopeepay',
  'other_qris',
  'alfamart',
  'indomaret',
  'akulaku',
  'kredivo',
  'cimb_clicks',
  'bca_klikbca',
  'bca_klikpay',
  'bri_epay',
  'danamon_online',
  'uob_ezpay',
  'kioson',
  'bank_transfer',
  'cstore',
  'store',
] as const;

export type PaymentMethod = (typeof paymentMethods)[number];
