import type { Role } from '../domain/team.ts';
import type { MailLocale } from './mail-locale.ts';

/** What the sentences may name, as text that is ready to be read. */
export type TeamMailFacts = {
  /** The tenant's name, or Kassa's. */
  readonly place: string;
  /** Who invites, or looks. */
  readonly person: string;
  readonly role: string;
  readonly until: string;
};

type KindWords = {
  readonly subject: (facts: TeamMailFacts) => string;
  readonly heading: (facts: TeamMailFacts) => string;
  /** What happened, then what to do. The first one is also the preview in a list of mails. */
  readonly paragraphs: (facts: TeamMailFacts) => readonly string[];
  /** Where there is somewhere to go. */
  readonly button: string | undefined;
  readonly reason: (facts: TeamMailFacts) => string;
};

export const teamMailKinds = ['invitation', 'staff-invitation', 'support-grant'] as const;
export type TeamMailKind = (typeof teamMailKinds)[number];

type TeamMailWords = {
  readonly greeting: (name: string) => string;
  readonly labels: Record<'place' | 'role' | 'person' | 'reason' | 'until', string>;
  readonly roles: Record<Role, string>;
  readonly safety: string;
  readonly kinds: Record<TeamMailKind, KindWords>;
};

const en: TeamMailWords = {
  greeting: (name) => (name ? `Hi ${name},` : 'Hi,'),
  labels: {
    place: 'Team',
    role: 'Role',
    person: 'From',
    reason: 'Reason',
    until: 'Until',
  },
  roles: {
    owner: 'Owner',
    admin: 'Administrator',
    finance: 'Finance',
    viewer: 'Viewer',
    superadmin: 'Superadmin',
    support: 'Support',
  },
  safety: 'We never ask for card numbers, passwords or codes by mail.',
  kinds: {
    invitation: {
      subject: ({ place }) => `You are invited to work with ${place} in Kassa`,
      heading: ({ place }) => `Join ${place}`,
      paragraphs: ({ place, person, until }) => [
        `${person} invites you to work with ${place} in Kassa, where its payments are handled.`,
        `The link below is for you alone and works once, until ${until}. Do not pass it on.`,
        'Do you not know what this is about? Then do nothing, and nothing happens.',
      ],
      button: 'See the invitation',
      reason: ({ place }) =>
        `You get this mail because somebody at ${place} gave your address for an invitation.`,
    },
    'staff-invitation': {
      subject: () => 'You are invited to help run Kassa',
      heading: () => 'Join the people who run Kassa',
      paragraphs: ({ person, until }) => [
        `${person} invites you to help run Kassa.`,
        `The link below is for you alone and works once, until ${until}. Do not pass it on.`,
        'Do you not know what this is about? Then do nothing, and nothing happens.',
      ],
      button: 'See the invitation',
      reason: () => 'You get this mail because somebody who runs Kassa gave your address.',
    },
    'support-grant': {
      subject: ({ place }) => `Kassa's support looks at ${place}`,
      heading: () => 'Our support looks at your account',
      paragraphs: ({ place, person, until }) => [
        `${person} of Kassa may look at what ${place} has in Kassa until ${until}, and change nothing.`,
        'The reason is given below. Each use is written down in your audit log.',
        'Did you not expect this? Contact Kassa.',
      ],
      button: undefined,
      reason: ({ place }) => `You get this mail because you are an owner of ${place}.`,
    },
  },
};

const sv: TeamMailWords = {
  greeting: (name) => (name ? `Hej ${name},` : 'Hej,'),
  labels: {
    place: 'Team',
    role: 'Roll',
    person: 'Från',
    reason: 'Skäl',
    until: 'Till',
  },
  roles: {
    owner: 'Ägare',
    admin: 'Administratör',
    finance: 'Ekonomi',
    viewer: 'Läsare',
    superadmin: 'Superadministratör',
    support: 'Support',
  },
  safety: 'Vi ber aldrig om kortnummer, lösenord eller koder via mejl.',
  kinds: {
    invitation: {
      subject: ({ place }) => `Du är inbjuden att arbeta med ${place} i Kassa`,
      heading: ({ place }) => `Gå med i ${place}`,
      paragraphs: ({ place, person, until }) => [
        `${person} bjuder in dig att arbeta med ${place} i Kassa, där betalningarna sköts.`,
        `Länken nedan är bara för dig och fungerar en gång, till ${until}. Skicka den inte vidare.`,
        'Vet du inte vad det här gäller? Gör då ingenting, så händer ingenting.',
      ],
      button: 'Se inbjudan',
      reason: ({ place }) =>
        `Du får det här mejlet för att någon på ${place} angav din adress för en inbjudan.`,
    },
    'staff-invitation': {
      subject: () => 'Du är inbjuden att vara med och driva Kassa',
      heading: () => 'Bli en av dem som driver Kassa',
      paragraphs: ({ person, until }) => [
        `${person} bjuder in dig att vara med och driva Kassa.`,
        `Länken nedan är bara för dig och fungerar en gång, till ${until}. Skicka den inte vidare.`,
        'Vet du inte vad det här gäller? Gör då ingenting, så händer ingenting.',
      ],
      button: 'Se inbjudan',
      reason: () => 'Du får det här mejlet för att någon som driver Kassa angav din adress.',
    },
    'support-grant': {
      subject: ({ place }) => `Kassas support tittar på ${place}`,
      heading: () => 'Vår support tittar på ert konto',
      paragraphs: ({ place, person, until }) => [
        `${person} på Kassa får titta på det som ${place} har i Kassa till ${until}, och ändra ingenting.`,
        'Skälet står nedan. Varje användning antecknas i er granskningslogg.',
        'Var det här oväntat? Kontakta Kassa.',
      ],
      button: undefined,
      reason: ({ place }) => `Du får det här mejlet för att du är ägare av ${place}.`,
    },
  },
};

const id: TeamMailWords = {
  greeting: (name) => (name ? `Halo ${name},` : 'Halo,'),
  labels: {
    place: 'Tim',
    role: 'Peran',
    person: 'Dari',
    reason: 'Alasan',
    until: 'Sampai',
  },
  roles: {
    owner: 'Pemilik',
    admin: 'Administrator',
    finance: 'Keuangan',
    viewer: 'Peninjau',
    superadmin: 'Superadmin',
    support: 'Dukungan',
  },
  safety: 'Kami tidak pernah meminta nomor kartu, kata sandi, atau kode lewat email.',
  kinds: {
    invitation: {
      subject: ({ place }) => `Anda diundang bekerja dengan ${place} di Kassa`,
      heading: ({ place }) => `Bergabung dengan ${place}`,
      paragraphs: ({ place, person, until }) => [
        `${person} mengundang Anda bekerja dengan ${place} di Kassa, tempat pembayarannya dikelola.`,
        `Tautan di bawah hanya untuk Anda dan berlaku satu kali, sampai ${until}. Jangan teruskan kepada orang lain.`,
        'Tidak tahu ini tentang apa? Abaikan saja, maka tidak terjadi apa-apa.',
      ],
      button: 'Lihat undangan',
      reason: ({ place }) =>
        `Anda menerima email ini karena seseorang di ${place} mencantumkan alamat Anda untuk undangan.`,
    },
    'staff-invitation': {
      subject: () => 'Anda diundang untuk ikut mengelola Kassa',
      heading: () => 'Bergabung dengan pengelola Kassa',
      paragraphs: ({ person, until }) => [
        `${person} mengundang Anda untuk ikut mengelola Kassa.`,
        `Tautan di bawah hanya untuk Anda dan berlaku satu kali, sampai ${until}. Jangan teruskan kepada orang lain.`,
        'Tidak tahu ini tentang apa? Abaikan saja, maka tidak terjadi apa-apa.',
      ],
      button: 'Lihat undangan',
      reason: () =>
        'Anda menerima email ini karena seorang pengelola Kassa mencantumkan alamat Anda.',
    },
    'support-grant': {
      subject: ({ place }) => `Tim dukungan Kassa melihat ${place}`,
      heading: () => 'Tim dukungan kami melihat akun Anda',
      paragraphs: ({ place, person, until }) => [
        `${person} dari Kassa boleh melihat data ${place} di Kassa sampai ${until}, tanpa mengubah apa pun.`,
        'Alasannya tercantum di bawah. Setiap penggunaan dicatat dalam log audit Anda.',
        'Tidak menduga hal ini? Hubungi Kassa.',
      ],
      button: undefined,
      reason: ({ place }) => `Anda menerima email ini karena Anda pemilik ${place}.`,
    },
  },
};

export const teamMailWords: Record<MailLocale, TeamMailWords> = { en, id, sv };
