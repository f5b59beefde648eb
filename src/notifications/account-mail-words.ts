import type { AccountMailKind } from '../domain/jobs.ts';
import type { MailLocale } from './mail-locale.ts';

type KindWords = {
  readonly subject: string;
  readonly heading: string;
  /** What happened, then what to do. The first one is also the preview in a list of mails. */
  readonly paragraphs: readonly string[];
  readonly button: string;
};

type AccountMailWords = {
  readonly greeting: (name: string) => string;
  readonly safety: string;
  readonly reason: string;
  readonly kinds: Record<AccountMailKind, KindWords>;
};

const en: AccountMailWords = {
  greeting: (name) => (name ? `Hi ${name},` : 'Hi,'),
  safety: 'We never ask for passwords or codes by mail.',
  reason: 'You get this mail because your address is used, or was given, for an account at Kassa.',
  kinds: {
    'verify-email': {
      subject: 'Confirm your mail address',
      heading: 'Is this your address?',
      paragraphs: [
        'An account at Kassa was made with this address. Confirm it with the password that was chosen there.',
        'The link works once, for 24 hours.',
        'Was it not you? Then do nothing: without the link nobody can use the account.',
      ],
      button: 'Confirm the address',
    },
    'address-known': {
      subject: 'You have an account already',
      heading: 'You have an account already',
      paragraphs: [
        'Somebody tried to make an account at Kassa with your address, which has one. Nothing has changed.',
        'Was it you, and the password is forgotten? Choose a new one.',
        'Was it not you? Then there is nothing to do.',
      ],
      button: 'Sign in or choose a new password',
    },
    'reset-password': {
      subject: 'Choose a new password',
      heading: 'Choose a new password',
      paragraphs: [
        'Somebody, most likely you, asked for a new password for your account at Kassa.',
        'The link works once, for an hour. A new password signs you out everywhere.',
        'Was it not you? Then do nothing: your password stays as it is.',
      ],
      button: 'Choose a new password',
    },
    'set-password': {
      subject: 'Your account at Kassa',
      heading: 'Your account is ready',
      paragraphs: [
        'An account at Kassa was made for you. Choose its password to sign in.',
        'The link works once, for an hour. Ask for another one on the sign-in page after that.',
      ],
      button: 'Choose a password',
    },
    'password-changed': {
      subject: 'Your password was changed',
      heading: 'Your password was changed',
      paragraphs: [
        'The password of your account at Kassa was changed, and all other devices were signed out.',
        'Was it not you? Choose a new password at once.',
      ],
      button: 'It was not me: choose a new password',
    },
    'second-factor-on': {
      subject: 'Your second factor is on',
      heading: 'Your second factor is on',
      paragraphs: [
        'From now on your account at Kassa asks for a code of your app after the password.',
        'Keep the recovery codes where you find them without your phone.',
        'Was it not you? Choose a new password at once, and write to us.',
      ],
      button: 'It was not me: choose a new password',
    },
    'second-factor-off': {
      subject: 'Your second factor is off',
      heading: 'Your second factor is off',
      paragraphs: [
        'Your account at Kassa asks for nothing but the password from now on.',
        'Was it not you? Choose a new password at once, and turn the second factor on again.',
      ],
      button: 'It was not me: choose a new password',
    },
  },
};

const sv: AccountMailWords = {
  greeting: (name) => (name ? `Hej ${name},` : 'Hej,'),
  safety: 'Vi ber aldrig om lösenord eller koder per mejl.',
  reason:
    'Du får det här mejlet för att din adress används, eller har angetts, för ett konto hos Kassa.',
  kinds: {
    'verify-email': {
      subject: 'Bekräfta din mejladress',
      heading: 'Är det här din adress?',
      paragraphs: [
        'Ett konto hos Kassa har skapats med den här adressen. Bekräfta den med lösenordet som valdes då.',
        'Länken fungerar en gång, i 24 timmar.',
        'Var det inte du? Då behöver du inte göra något: utan länken kan ingen använda kontot.',
      ],
      button: 'Bekräfta adressen',
    },
    'address-known': {
      subject: 'Du har redan ett konto',
      heading: 'Du har redan ett konto',
      paragraphs: [
        'Någon försökte skapa ett konto hos Kassa med din adress, som redan har ett. Inget har ändrats.',
        'Var det du, och har du glömt lösenordet? Välj ett nytt.',
        'Var det inte du? Då behöver du inte göra något.',
      ],
      button: 'Logga in eller välj ett nytt lösenord',
    },
    'reset-password': {
      subject: 'Välj ett nytt lösenord',
      heading: 'Välj ett nytt lösenord',
      paragraphs: [
        'Någon, troligen du, har bett om ett nytt lösenord till ditt konto hos Kassa.',
        'Länken fungerar en gång, i en timme. Ett nytt lösenord loggar ut dig överallt.',
        'Var det inte du? Då behöver du inte göra något: ditt lösenord gäller fortfarande.',
      ],
      button: 'Välj ett nytt lösenord',
    },
    'set-password': {
      subject: 'Ditt konto hos Kassa',
      heading: 'Ditt konto är klart',
      paragraphs: [
        'Ett konto hos Kassa har skapats åt dig. Välj ett lösenord för att logga in.',
        'Länken fungerar en gång, i en timme. Därefter kan du be om en ny på inloggningssidan.',
      ],
      button: 'Välj ett lösenord',
    },
    'password-changed': {
      subject: 'Ditt lösenord har ändrats',
      heading: 'Ditt lösenord har ändrats',
      paragraphs: [
        'Lösenordet till ditt konto hos Kassa har ändrats, och alla andra enheter har loggats ut.',
        'Var det inte du? Välj genast ett nytt lösenord.',
      ],
      button: 'Det var inte jag: välj ett nytt lösenord',
    },
    'second-factor-on': {
      subject: 'Tvåstegsverifiering är på',
      heading: 'Tvåstegsverifiering är på',
      paragraphs: [
        'Från och med nu ber ditt konto hos Kassa om en kod från din app efter lösenordet.',
        'Spara återställningskoderna där du hittar dem utan telefonen.',
        'Var det inte du? Välj genast ett nytt lösenord och skriv till oss.',
      ],
      button: 'Det var inte jag: välj ett nytt lösenord',
    },
    'second-factor-off': {
      subject: 'Tvåstegsverifiering är av',
      heading: 'Tvåstegsverifiering är av',
      paragraphs: [
        'Från och med nu ber ditt konto hos Kassa bara om lösenordet.',
        'Var det inte du? Välj genast ett nytt lösenord och sätt på tvåstegsverifieringen igen.',
      ],
      button: 'Det var inte jag: välj ett nytt lösenord',
    },
  },
};

const id: AccountMailWords = {
  greeting: (name) => (name ? `Halo ${name},` : 'Halo,'),
  safety: 'Kami tidak pernah meminta kata sandi atau kode lewat email.',
  reason:
    'Anda menerima email ini karena alamat Anda dipakai, atau diberikan, untuk sebuah akun di Kassa.',
  kinds: {
    'verify-email': {
      subject: 'Konfirmasi alamat email Anda',
      heading: 'Apakah ini alamat Anda?',
      paragraphs: [
        'Sebuah akun di Kassa dibuat dengan alamat ini. Konfirmasikan dengan kata sandi yang dipilih saat itu.',
        'Tautan ini berlaku satu kali, selama 24 jam.',
        'Bukan Anda? Abaikan saja: tanpa tautan ini tidak ada yang dapat memakai akun tersebut.',
      ],
      button: 'Konfirmasi alamat',
    },
    'address-known': {
      subject: 'Anda sudah punya akun',
      heading: 'Anda sudah punya akun',
      paragraphs: [
        'Seseorang mencoba membuat akun di Kassa dengan alamat Anda, yang sudah punya akun. Tidak ada yang berubah.',
        'Jika itu Anda dan lupa kata sandi, buat kata sandi baru.',
        'Bukan Anda? Tidak ada yang perlu dilakukan.',
      ],
      button: 'Masuk atau buat kata sandi baru',
    },
    'reset-password': {
      subject: 'Buat kata sandi baru',
      heading: 'Buat kata sandi baru',
      paragraphs: [
        'Seseorang, kemungkinan Anda, meminta kata sandi baru untuk akun Anda di Kassa.',
        'Tautan ini berlaku satu kali, selama satu jam. Kata sandi baru mengeluarkan Anda dari semua perangkat.',
        'Bukan Anda? Abaikan saja: kata sandi Anda tetap sama.',
      ],
      button: 'Buat kata sandi baru',
    },
    'set-password': {
      subject: 'Akun Anda di Kassa',
      heading: 'Akun Anda sudah siap',
      paragraphs: [
        'Sebuah akun di Kassa dibuat untuk Anda. Buat kata sandinya untuk masuk.',
        'Tautan ini berlaku satu kali, selama satu jam. Setelah itu mintalah tautan baru di halaman masuk.',
      ],
      button: 'Buat kata sandi',
    },
    'password-changed': {
      subject: 'Kata sandi Anda telah diubah',
      heading: 'Kata sandi Anda telah diubah',
      paragraphs: [
        'Kata sandi akun Anda di Kassa telah diubah, dan semua perangkat lain telah dikeluarkan.',
        'Bukan Anda? Segera buat kata sandi baru.',
      ],
      button: 'Bukan saya: buat kata sandi baru',
    },
    'second-factor-on': {
      subject: 'Verifikasi dua langkah aktif',
      heading: 'Verifikasi dua langkah aktif',
      paragraphs: [
        'Mulai sekarang akun Anda di Kassa meminta kode dari aplikasi setelah kata sandi.',
        'Simpan kode pemulihan di tempat yang dapat Anda temukan tanpa ponsel.',
        'Bukan Anda? Segera buat kata sandi baru dan hubungi kami.',
      ],
      button: 'Bukan saya: buat kata sandi baru',
    },
    'second-factor-off': {
      subject: 'Verifikasi dua langkah nonaktif',
      heading: 'Verifikasi dua langkah nonaktif',
      paragraphs: [
        'Mulai sekarang akun Anda di Kassa hanya meminta kata sandi.',
        'Bukan Anda? Segera buat kata sandi baru dan aktifkan lagi verifikasi dua langkah.',
      ],
      button: 'Bukan saya: buat kata sandi baru',
    },
  },
};

export const accountMailWords: Record<MailLocale, AccountMailWords> = { en, sv, id };
