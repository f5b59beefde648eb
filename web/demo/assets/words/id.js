// @ts-check
/** @import { Words } from '../words.js' */
import { methodNames } from './methods.js';

/** @type {Words['products']} */
const products = {
  'short-films': { name: 'Malam film pendek', note: 'Sembilan film baru, satu malam.' },
  'open-air': { name: 'Layar tancap', note: 'Di lapangan rumput. Bawa tikar sendiri.' },
  premiere: { name: 'Pemutaran perdana', note: 'Bersama sutradara, lalu bincang film.' },
  'festival-pass': { name: 'Tiket terusan festival', note: 'Semua layar, tiga hari.' },
  'film-music': { name: 'Musik film langsung', note: 'Orkestra lengkap di bawah layar.' },
  matinee: { name: 'Konser keluarga', note: 'Satu jam, untuk anak mulai lima tahun.' },
  gala: { name: 'Gala tahun baru', note: 'Lagu-lagu tema besar, berbusana malam.' },
  season: { name: 'Tiket satu musim', note: 'Delapan konser, kursi Anda sendiri.' },
};

/** @type {Words['fieldErrors']} */
const fieldErrors = {
  name: 'Tulis nama Anda.',
  email: 'Tulis alamat email seperti nama@example.com.',
  phone: 'Tulis nomor telepon seperti +62 812 3456 7890, atau kosongkan.',
};

/** @type {Words['states']} */
const states = {
  pending: {
    name: 'Menunggu pembayaran',
    next: ({ merchant }) =>
      `Begitu ${merchant} menerima pembayaran Anda, halaman ini berubah dengan sendirinya. Anda juga boleh menutupnya: tanda terima dikirim lewat email.`,
  },
  paid: {
    name: 'Lunas',
    next: ({ merchant }) =>
      `${merchant} telah menerima pembayaran Anda. Terima kasih! Tanda terima sedang dikirim lewat email.`,
  },
  failed: {
    name: 'Gagal',
    next: ({ merchant, orderId }) =>
      `Pembayaran tidak berhasil. Anda dapat memesan lagi. Apakah saldo Anda sudah terpotong? Jangan bayar lagi: hubungi ${merchant} dan sebutkan pesanan ${orderId}.`,
  },
  expired: {
    name: 'Kedaluwarsa',
    next: ({ merchant, orderId }) =>
      `Waktu untuk membayar telah habis. Anda dapat memesan lagi. Sudah membayar? Jangan bayar lagi: hubungi ${merchant} dan sebutkan pesanan ${orderId}.`,
  },
  cancelled: {
    name: 'Dibatalkan',
    next: () => 'Pesanan dibatalkan dan tidak ada lagi yang ditagih. Anda dapat memesan lagi.',
  },
  refunded: {
    name: 'Dana dikembalikan',
    next: ({ refunded, merchant }) =>
      `${merchant} telah mengembalikan ${refunded} kepada Anda. Mungkin perlu beberapa hari sampai terlihat di bank Anda.`,
  },
  partially_refunded: {
    name: 'Dana dikembalikan sebagian',
    next: ({ refunded, merchant }) =>
      `${merchant} telah mengembalikan ${refunded} kepada Anda. Mungkin perlu beberapa hari sampai terlihat di bank Anda.`,
  },
  disputed: {
    name: 'Disengketakan',
    next: ({ merchant, orderId }) =>
      `Bank Anda sedang memeriksa pembayaran ini. Untuk bertanya, hubungi ${merchant} dan sebutkan pesanan ${orderId}.`,
  },
};

/** @type {Words} */
export const id = {
  language: 'Bahasa',
  demoNote: 'Ini demo: tidak ada yang dijual dan tidak ada uang yang berpindah.',
  tryAgain: 'Coba lagi',
  requestId: (requestId) => `Id permintaan: ${requestId}`,
  shopUnreachable: 'Toko tidak dapat dihubungi saat ini. Periksa koneksi Anda dan coba lagi.',

  products,
  productsTitle: 'Tiket',
  oneMore: (product) => `Tambah satu: ${product}`,
  oneLess: (product) => `Kurangi satu: ${product}`,
  quantity: (product) => `Banyaknya: ${product}`,

  checkoutTitle: 'Pesanan Anda',
  total: 'Total',
  tickets: (count) => `${count} tiket`,
  fields: {
    name: 'Nama',
    email: 'Alamat email',
    phone: 'Telepon',
    paymentMethod: 'Metode pembayaran',
  },
  optional: 'opsional',
  emailHint: 'Tanda terima dikirim ke sini.',
  chooseLater: 'Pilih di halaman pembayaran',
  fieldErrors,
  basketEmpty: 'Pilih paling sedikit satu tiket.',
  someFieldsWrong: 'Periksa lagi kolom yang ditandai.',
  pay: (amount) => `Bayar ${amount}`,
  opening: 'Membuka halaman pembayaran…',

  problems: {
    retryable:
      'Halaman pembayaran tidak dapat dibuka. Coba lagi: pesanannya tetap sama, dan Anda tidak akan ditagih dua kali.',
    unreachable:
      'Toko tidak menjawab. Periksa koneksi Anda dan coba lagi: pesanannya tetap sama, dan Anda tidak akan ditagih dua kali.',
    closed: (merchant) =>
      `${merchant} tidak dapat menerima pembayaran saat ini. Tidak ada yang ditagih.`,
    refused: 'Pembayaran ini ditolak. Tidak ada yang ditagih. Coba metode pembayaran lain.',
    paid: 'Pesanan ini sudah lunas. Tidak ada lagi yang perlu dibayar.',
    invalid: 'Toko tidak dapat menerima pesanan ini. Tidak ada yang ditagih.',
  },
  seeOrder: 'Lihat pesanan',

  orderTitle: 'Pesanan',
  states,
  methods: methodNames({ card: 'Kartu', bankTransfer: 'Transfer bank', shop: 'Gerai' }),
  labels: {
    order: 'Pesanan',
    method: 'Metode pembayaran',
    ordered: 'Dipesan',
    payBefore: 'Bayar sebelum',
    paidAt: 'Dibayar',
    customerFee: 'Biaya pembayaran',
    refunded: 'Dikembalikan',
  },
  methodOpen: 'Dipilih di halaman pembayaran',
  zone: (zone) => `Waktu: ${zone}`,
  payNow: 'Bayar sekarang',
  backToShop: 'Kembali ke toko',
  orderAgain: 'Pesan lagi',
  loading: 'Mencari pesanan…',
  reconnecting: 'Toko tidak dapat dihubungi saat ini. Kami terus mencoba. Pesanan Anda aman.',
  noOrderTitle: 'Pesanan yang mana?',
  noOrder: 'Alamat ini tidak menyebut pesanan. Buka tautan di email Anda, atau kembali ke toko.',
  unknownTitle: 'Pesanan tidak ditemukan',
  unknownOrder: (orderId) =>
    `Tidak ada pesanan ${orderId} di sini. Periksa tautan di email Anda, atau kembali ke toko.`,
};
