import type { MailLocale } from './mail-locale.ts';

export const orderMailKinds = ['created', 'paid', 'failed', 'expired'] as const;
export type OrderMailKind = (typeof orderMailKinds)[number];

/** What the sentences may name, as text that is ready to be read. */
export type OrderMailFacts = {
  readonly merchant: string;
  readonly orderId: string;
  readonly amount: string;
  readonly expiresAt: string | undefined;
};

type KindWords = {
  readonly status: string;
  readonly subject: (facts: OrderMailFacts) => string;
  readonly heading: string;
  /** What happened, then what to do. The first one is also the preview in a list of mails. */
  readonly paragraphs: (facts: OrderMailFacts) => readonly (string | undefined)[];
};

type OrderMailWords = {
  readonly greeting: (name: string) => string;
  readonly pay: (facts: OrderMailFacts) => string;
  readonly viewOrder: string;
  readonly followOrder: string;
  readonly labels: Record<
    | 'status'
    | 'order'
    | 'amount'
    | 'customerFee'
    | 'total'
    | 'payBefore'
    | 'paidAt'
    | 'paymentMethod',
    string
  >;
  readonly safety: string;
  readonly reason: (facts: OrderMailFacts) => string;
  readonly kinds: Record<OrderMailKind, KindWords>;
};

const en: OrderMailWords = {
  greeting: (name) => (name ? `Hi ${name},` : 'Hi,'),
  pay: ({ amount }) => `Pay ${amount}`,
  viewOrder: 'See your order',
  followOrder: 'See how your order is doing at any time',
  labels: {
    status: 'Status',
    order: 'Order',
    amount: 'Amount',
    customerFee: 'Payment fee',
    total: 'Total',
    payBefore: 'Pay before',
    paidAt: 'Paid',
    paymentMethod: 'Paid with',
  },
  safety: 'We never ask for card numbers, passwords or codes by mail.',
  reason: ({ merchant }) =>
    `You get this mail because your address was given with an order at ${merchant}. ` +
    `Was it not you? Contact ${merchant}.`,
  kinds: {
    created: {
      status: 'Waiting for payment',
      subject: ({ orderId, merchant }) => `Your order ${orderId} at ${merchant}`,
      heading: 'We have your order',
      paragraphs: ({ merchant, amount, expiresAt }) => [
        `Thank you for your order at ${merchant}. Pay ${amount} to complete it.`,
        expiresAt && `Please pay before ${expiresAt}.`,
        'Nothing is charged until you complete the payment.',
      ],
    },
    paid: {
      status: 'Paid',
      subject: ({ orderId, merchant }) => `Receipt for order ${orderId} from ${merchant}`,
      heading: 'Payment received',
      paragraphs: ({ merchant, amount }) => [
        `${merchant} has received your payment of ${amount}. Thank you!`,
        'There is nothing more to pay. Keep this mail as your receipt.',
      ],
    },
    failed: {
      status: 'Failed',
      subject: ({ orderId, merchant }) => `Order ${orderId} at ${merchant} is not paid`,
      heading: 'This order is not paid',
      // Also sent when a bank takes the money of a paid order back: promise nothing about it.
      paragraphs: ({ merchant, orderId, amount }) => [
        `Your payment of ${amount} to ${merchant} did not go through, or it was taken back afterwards.`,
        `Has money left your account? Then do not pay again. Contact ${merchant} and name order ${orderId}; they will help you.`,
        `Otherwise you can order again at ${merchant} and pay in the same or another way.`,
      ],
    },
    expired: {
      status: 'Expired',
      subject: ({ orderId, merchant }) =>
        `The time to pay order ${orderId} at ${merchant} has run out`,
      heading: 'The time to pay has run out',
      paragraphs: ({ merchant, amount, expiresAt }) => [
        `We saw no payment of ${amount} for this order ${expiresAt ? `before ${expiresAt}` : 'in time'}. The order is now closed.`,
        `Do you still want it? Place a new order at ${merchant}.`,
        `Have you paid already? Then do not pay again. Your order page shows the payment when it arrives; if it does not, contact ${merchant}.`,
      ],
    },
  },
};

const sv: OrderMailWords = {
  greeting: (name) => (name ? `Hej ${name},` : 'Hej,'),
  pay: ({ amount }) => `Betala ${amount}`,
  viewOrder: 'Se din order',
  followOrder: 'Se när som helst hur det går med din order',
  labels: {
    status: 'Status',
    order: 'Order',
    amount: 'Belopp',
    customerFee: 'Betalningsavgift',
    total: 'Totalt',
    payBefore: 'Betala före',
    paidAt: 'Betald',
    paymentMethod: 'Betalsätt',
  },
  safety: 'Vi ber aldrig om kortnummer, lösenord eller koder via mejl.',
  reason: ({ merchant }) =>
    `Du får det här mejlet för att din adress angavs i en order hos ${merchant}. ` +
    `Var det inte du? Kontakta ${merchant}.`,
  kinds: {
    created: {
      status: 'Väntar på betalning',
      subject: ({ orderId, merchant }) => `Din order ${orderId} hos ${merchant}`,
      heading: 'Vi har tagit emot din order',
      paragraphs: ({ merchant, amount, expiresAt }) => [
        `Tack för din order hos ${merchant}. Betala ${amount} för att slutföra den.`,
        expiresAt && `Betala före ${expiresAt}.`,
        'Inga pengar dras förrän du har genomfört betalningen.',
      ],
    },
    paid: {
      status: 'Betald',
      subject: ({ orderId, merchant }) => `Kvitto för order ${orderId} från ${merchant}`,
      heading: 'Betalningen är mottagen',
      paragraphs: ({ merchant, amount }) => [
        `${merchant} har tagit emot din betalning på ${amount}. Tack!`,
        'Du behöver inte betala något mer. Spara det här mejlet som kvitto.',
      ],
    },
    failed: {
      status: 'Misslyckad',
      subject: ({ orderId, merchant }) => `Order ${orderId} hos ${merchant} är inte betald`,
      heading: 'Ordern är inte betald',
      paragraphs: ({ merchant, orderId, amount }) => [
        `Din betalning på ${amount} till ${merchant} gick inte igenom, eller så togs den tillbaka efteråt.`,
        `Har pengar dragits från ditt konto? Betala då inte igen. Kontakta ${merchant} och uppge order ${orderId}, så hjälper de dig.`,
        `Annars kan du beställa igen hos ${merchant} och betala på samma eller ett annat sätt.`,
      ],
    },
    expired: {
      status: 'Förfallen',
      subject: ({ orderId, merchant }) =>
        `Tiden för att betala order ${orderId} hos ${merchant} har gått ut`,
      heading: 'Tiden för att betala har gått ut',
      paragraphs: ({ merchant, amount, expiresAt }) => [
        `Vi såg ingen betalning på ${amount} för ordern ${expiresAt ? `före ${expiresAt}` : 'i tid'}. Ordern är nu stängd.`,
        `Vill du fortfarande köpa? Lägg en ny order hos ${merchant}.`,
        `Har du redan betalat? Betala då inte igen. Ordersidan visar betalningen när den kommer fram; gör den inte det, kontakta ${merchant}.`,
      ],
    },
  },
};

const id: OrderMailWords = {
  greeting: (name) => (name ? `Halo ${name},` : 'Halo,'),
  pay: ({ amount }) => `Bayar ${amount}`,
  viewOrder: 'Lihat pesanan Anda',
  followOrder: 'Lihat keadaan pesanan Anda kapan saja',
  labels: {
    status: 'Status',
    order: 'Pesanan',
    amount: 'Jumlah',
    customerFee: 'Biaya pembayaran',
    total: 'Total',
    payBefore: 'Bayar sebelum',
    paidAt: 'Dibayar pada',
    paymentMethod: 'Dibayar dengan',
  },
  safety: 'Kami tidak pernah meminta nomor kartu, kata sandi, atau kode lewat email.',
  reason: ({ merchant }) =>
    `Anda menerima email ini karena alamat Anda dicantumkan pada pesanan di ${merchant}. ` +
    `Bukan Anda? Hubungi ${merchant}.`,
  kinds: {
    created: {
      status: 'Menunggu pembayaran',
      subject: ({ orderId, merchant }) => `Pesanan Anda ${orderId} di ${merchant}`,
      heading: 'Pesanan Anda sudah kami terima',
      paragraphs: ({ merchant, amount, expiresAt }) => [
        `Terima kasih atas pesanan Anda di ${merchant}. Bayar ${amount} untuk menyelesaikannya.`,
        expiresAt && `Mohon bayar sebelum ${expiresAt}.`,
        'Tidak ada yang ditagih sebelum Anda menyelesaikan pembayaran.',
      ],
    },
    paid: {
      status: 'Lunas',
      subject: ({ orderId, merchant }) => `Tanda terima pesanan ${orderId} dari ${merchant}`,
      heading: 'Pembayaran diterima',
      paragraphs: ({ merchant, amount }) => [
        `${merchant} telah menerima pembayaran Anda sebesar ${amount}. Terima kasih!`,
        'Tidak ada lagi yang perlu dibayar. Simpan email ini sebagai tanda terima.',
      ],
    },
    failed: {
      status: 'Gagal',
      subject: ({ orderId, merchant }) => `Pesanan ${orderId} di ${merchant} belum terbayar`,
      heading: 'Pesanan ini belum terbayar',
      paragraphs: ({ merchant, orderId, amount }) => [
        `Pembayaran Anda sebesar ${amount} kepada ${merchant} tidak berhasil, atau dananya ditarik kembali setelahnya.`,
        `Apakah saldo Anda sudah terpotong? Jangan bayar lagi. Hubungi ${merchant} dan sebutkan pesanan ${orderId}; mereka akan membantu Anda.`,
        `Jika tidak, Anda dapat memesan lagi di ${merchant} dan membayar dengan cara yang sama atau cara lain.`,
      ],
    },
    expired: {
      status: 'Kedaluwarsa',
      subject: ({ orderId, merchant }) =>
        `Waktu untuk membayar pesanan ${orderId} di ${merchant} telah habis`,
      heading: 'Waktu untuk membayar telah habis',
      paragraphs: ({ merchant, amount, expiresAt }) => [
        `Kami tidak melihat pembayaran sebesar ${amount} untuk pesanan ini ${expiresAt ? `sebelum ${expiresAt}` : 'tepat waktu'}. Pesanan ini sekarang ditutup.`,
        `Masih ingin membelinya? Buat pesanan baru di ${merchant}.`,
        `Sudah membayar? Jangan bayar lagi. Halaman pesanan menampilkan pembayaran begitu diterima; jika tidak, hubungi ${merchant}.`,
      ],
    },
  },
};

export const orderMailWords: Record<MailLocale, OrderMailWords> = { en, id, sv };
