// @ts-check
/** @import { Words } from '../words.js' */
import { methodNames } from './methods.js';

/** @type {Words['products']} */
const products = {
  'short-films': { name: 'Kortfilmskväll', note: 'Nio nya filmer på en kväll.' },
  'open-air': { name: 'Utomhusbio', note: 'På gräsmattan. Ta med en filt.' },
  premiere: { name: 'Premiär', note: 'Med regissören och samtal efteråt.' },
  'festival-pass': { name: 'Festivalpass', note: 'Alla salonger, tre dagar.' },
  'film-music': { name: 'Filmmusik live', note: 'Hela orkestern under duken.' },
  matinee: { name: 'Familjematiné', note: 'En timme, för barn från fem år.' },
  gala: { name: 'Nyårsgala', note: 'De stora ledmotiven, i högtidsdräkt.' },
  season: { name: 'Abonnemang', note: 'Åtta konserter, egen plats.' },
};

/** @type {Words['fieldErrors']} */
const fieldErrors = {
  name: 'Skriv ditt namn.',
  email: 'Skriv en mejladress som namn@example.com.',
  phone: 'Skriv ett telefonnummer som +46 70 123 45 67, eller lämna fältet tomt.',
};

/** @type {Words['states']} */
const states = {
  pending: {
    name: 'Väntar på betalning',
    next: ({ merchant }) =>
      `Så snart ${merchant} har fått din betalning syns det här av sig självt. Du kan också stänga sidan: kvittot kommer via mejl.`,
  },
  paid: {
    name: 'Betald',
    next: ({ merchant }) =>
      `${merchant} har tagit emot din betalning. Tack! Kvittot är på väg till dig via mejl.`,
  },
  failed: {
    name: 'Misslyckad',
    next: ({ merchant, orderId }) =>
      `Betalningen gick inte igenom. Du kan beställa igen. Har pengar dragits från ditt konto? Betala då inte igen: kontakta ${merchant} och uppge order ${orderId}.`,
  },
  expired: {
    name: 'Förfallen',
    next: ({ merchant, orderId }) =>
      `Tiden för att betala har gått ut. Du kan beställa igen. Har du redan betalat? Betala då inte igen: kontakta ${merchant} och uppge order ${orderId}.`,
  },
  cancelled: {
    name: 'Avbruten',
    next: () => 'Ordern har avbrutits och inget mer dras. Du kan beställa igen.',
  },
  refunded: {
    name: 'Återbetald',
    next: ({ refunded, merchant }) =>
      `${merchant} har skickat tillbaka ${refunded} till dig. Det kan dröja några dagar innan banken visar det.`,
  },
  partially_refunded: {
    name: 'Delvis återbetald',
    next: ({ refunded, merchant }) =>
      `${merchant} har skickat tillbaka ${refunded} till dig. Det kan dröja några dagar innan banken visar det.`,
  },
  disputed: {
    name: 'Bestriden',
    next: ({ merchant, orderId }) =>
      `Din bank utreder betalningen. Har du frågor, kontakta ${merchant} och uppge order ${orderId}.`,
  },
};

/** @type {Words} */
export const sv = {
  language: 'Språk',
  demoNote: 'Det här är en demo: inget säljs och inga pengar flyttas.',
  tryAgain: 'Försök igen',
  requestId: (requestId) => `Ärende-id: ${requestId}`,
  shopUnreachable: 'Butiken går inte att nå just nu. Kontrollera anslutningen och försök igen.',

  products,
  productsTitle: 'Biljetter',
  oneMore: (product) => `En till: ${product}`,
  oneLess: (product) => `En mindre: ${product}`,
  quantity: (product) => `Antal: ${product}`,

  checkoutTitle: 'Din order',
  total: 'Summa',
  tickets: (count) => (count === 1 ? '1 biljett' : `${count} biljetter`),
  fields: {
    name: 'Namn',
    email: 'Mejladress',
    phone: 'Telefon',
    paymentMethod: 'Betalsätt',
  },
  optional: 'valfritt',
  emailHint: 'Hit skickas kvittot.',
  chooseLater: 'Välj på betalsidan',
  fieldErrors,
  basketEmpty: 'Välj minst en biljett.',
  someFieldsWrong: 'Se över fälten som är markerade.',
  pay: (amount) => `Betala ${amount}`,
  opening: 'Öppnar betalsidan…',

  problems: {
    retryable:
      'Betalsidan kunde inte öppnas. Försök igen: det är fortfarande samma order och du kan inte debiteras två gånger.',
    unreachable:
      'Butiken svarade inte. Kontrollera anslutningen och försök igen: det är fortfarande samma order och du kan inte debiteras två gånger.',
    closed: (merchant) => `${merchant} kan inte ta emot betalningar just nu. Inget har dragits.`,
    refused: 'Betalningen nekades. Inget har dragits. Försök med ett annat betalsätt.',
    paid: 'Ordern är redan betald. Du behöver inte betala något mer.',
    invalid: 'Butiken kunde inte ta emot ordern. Inget har dragits.',
  },
  seeOrder: 'Se ordern',

  orderTitle: 'Order',
  states,
  methods: methodNames({ card: 'Kort', bankTransfer: 'Banköverföring', shop: 'Butik' }),
  labels: {
    order: 'Order',
    method: 'Betalsätt',
    ordered: 'Beställd',
    payBefore: 'Betala före',
    paidAt: 'Betald',
    customerFee: 'Betalningsavgift',
    refunded: 'Återbetalt',
  },
  methodOpen: 'Väljs på betalsidan',
  zone: (zone) => `Tider: ${zone}`,
  payNow: 'Betala nu',
  backToShop: 'Tillbaka till butiken',
  orderAgain: 'Beställ igen',
  loading: 'Hämtar ordern…',
  reconnecting: 'Butiken går inte att nå just nu. Vi fortsätter att försöka. Din order är sparad.',
  noOrderTitle: 'Vilken order?',
  noOrder: 'Adressen anger ingen order. Öppna länken i mejlet eller gå tillbaka till butiken.',
  unknownTitle: 'Ordern hittades inte',
  unknownOrder: (orderId) =>
    `Det finns ingen order ${orderId} här. Kontrollera länken i mejlet eller gå tillbaka till butiken.`,
};
