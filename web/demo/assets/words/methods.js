// @ts-check
/** @import { MethodCode } from '../words.js' */

/** Payment methods that are called the same everywhere. */
const brands = {
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
  gopay: 'GoPay',
  ovo: 'OVO',
  dana: 'DANA',
  shopeepay: 'ShopeePay',
  other_qris: 'QRIS',
  qris: 'QRIS',
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
};

/**
 * All methods of a language: the brands, and what it calls the rest.
 *
 * @param {Record<'card' | 'bankTransfer' | 'shop', string>} generic
 * @returns {Readonly<Record<MethodCode, string>>}
 */
export function methodNames({ card, bankTransfer, shop }) {
  return {
    ...brands,
    credit_card: card,
    card,
    other_va: bankTransfer,
    bank_transfer: bankTransfer,
    cstore: shop,
    store: shop,
  };
}
