import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mailLocales } from './mail-locale.ts';
import { type OrderMailInput, renderOrderMail } from './order-mail.ts';
import { orderMailKinds, orderMailWords } from './order-mail-words.ts';

const order: OrderMailInput['order'] = {
  orderId: 'ORD-1187',
  amount: 150_000n,
  currency: 'IDR',
  customerName: 'Budi Santoso',
  payUrl: 'https://pay.kassa.test/pay/abc?a=1&b=2',
  statusUrl: 'https://pay.kassa.test/orders/xyz',
  expiresAt: new Date('2026-11-21T10:30:00Z'),
  paidAt: new Date('2026-11-20T23:15:00Z'),
  paymentMethod: 'bca_va',
  timeZone: 'Asia/Jakarta',
};

const price = { en: 'IDR 150,000', id: 'Rp 150.000', sv: '150 000 IDR' };
const expiry = {
  en: '21 November 2026 at 17:30 Western Indonesia Time',
  id: '21 November 2026 pukul 17.30 WIB',
  sv: '21 november 2026 kl. 17:30 västindonesisk tid',
};
// Half past six in the morning of the 21st in Jakarta, still the 20th in UTC.
const payment = {
  en: '21 November 2026 at 06:15 Western Indonesia Time',
  id: '21 November 2026 pukul 06.15 WIB',
  sv: '21 november 2026 kl. 06:15 västindonesisk tid',
};

const everyMail = orderMailKinds.flatMap((kind) => mailLocales.map((locale) => ({ kind, locale })));

describe.each(everyMail)('the mail "$kind" in $locale', ({ kind, locale }) => {
  const mail = renderOrderMail({ kind, locale, tenant: { name: 'Buatfilm' }, order });
  const bodies = [readable(mail.text), readable(visibleText(mail.html))];
  const words = orderMailWords[locale];

  test('names merchant and order in the subject', () => {
    expect(mail.subject).toContain('Buatfilm');
    expect(mail.subject).toContain('ORD-1187');
  });

  test('says who, what and how much, in HTML and in plain text', () => {
    for (const body of bodies) {
      expect(body).toContain('Budi Santoso');
      expect(body).toContain('Buatfilm');
      expect(body).toContain('ORD-1187');
      expect(body).toContain(price[locale]);
      expect(body).toContain(words.kinds[kind].heading);
      expect(body).toContain(words.kinds[kind].status);
      expect(body).toContain(words.safety);
    }
  });

  test('says the same in HTML as in plain text', () => {
    const said = (body = '') => new Set(body.match(/[\p{L}\p{N}]+/gu));
    const inText = said(readable(mail.text.replaceAll(/https?:\S+/g, '')));

    // The preview and the title repeat what stands elsewhere; the text alone has the word "Status".
    expect([...said(bodies[1])].filter((word) => !inText.has(word))).toEqual([]);
  });

  test('has one button, which leads to the payment only while there is something to pay', () => {
    const target = kind === 'created' ? order.payUrl : order.statusUrl;

    expect(mail.html.match(/class="button"/g)).toHaveLength(1);
    expect(buttonLink(mail.html)).toBe(target);
    expect(mail.text).toContain(target);
    expect(mail.text).toContain(order.statusUrl);
    expect(mail.text.includes(`${order.payUrl}`)).toBe(kind === 'created');
  });

  test('gives times in the zone of the tenant, with its name, where they matter', () => {
    for (const body of bodies) {
      expect(body.includes(expiry[locale])).toBe(kind === 'created' || kind === 'expired');
      expect(body.includes(payment[locale])).toBe(kind === 'paid');
      expect(body.includes('BCA Virtual Account')).toBe(kind === 'paid');
    }
  });

  test('is written in its language and leaves nothing unrendered', () => {
    const everything = mail.subject + mail.text + mail.html;

    expect(mail.html).toContain(`<html lang="${locale}"`);
    expect(everything).not.toMatch(/\{\{|\}\}|\{%|%\}|undefined|\[object|NaN|Invalid Date/);
    expect(mail.text).not.toMatch(/<[a-z]|&[a-z]+;|\n{3}/);
  });

  test('stays whole without the parts that an order may lack', () => {
    const bare = renderOrderMail({
      kind,
      locale,
      tenant: { name: 'Buatfilm' },
      order: {
        ...order,
        customerName: '',
        payUrl: undefined,
        expiresAt: undefined,
        paidAt: undefined,
        paymentMethod: undefined,
      },
    });

    expect(buttonLink(bare.html)).toBe(order.statusUrl);
    expect(bare.subject + bare.text + bare.html).not.toMatch(/undefined|false|null| ,/);
    expect(bare.text).not.toMatch(/\n{3}/);
  });
});

test('a failed payment is worded so that it also holds when paid money was taken back', () => {
  const { text } = render({ kind: 'failed' });

  expect(text).toContain('did not go through, or it was taken back');
  expect(text).toContain('do not pay again. Contact Buatfilm');
  expect(text).not.toMatch(/not (been )?charged|nothing is charged/i);
});

test.each([
  ['sv', 15_000_000n, 'SEK', '150 000 kr'],
  ['sv', 15_000_050n, 'SEK', '150 000,50 kr'],
  ['en', 1999n, 'USD', 'USD 19.99'],
  ['id', 150_000n, 'IDR', 'Rp 150.000'],
  ['id', 9_007_199_254_740_993n, 'IDR', 'Rp 9.007.199.254.740.993'],
] as const)('in %s, %s minor units of %s read as %s', (locale, amount, currency, expected) => {
  const { text } = render({ kind: 'paid', locale, order: { ...order, amount, currency } });

  expect(readable(text)).toContain(expected);
});

test.each([
  ['sv-SE', 'sv'],
  ['ID_id', 'id'],
  ['de', 'en'],
  ['', 'en'],
  ['__proto__', 'en'],
])('the locale %j is written in %s', (locale, language) => {
  expect(render({ kind: 'paid', locale }).html).toContain(`<html lang="${language}"`);
});

test('a zone without a short name is named in full, one with a short name is not', () => {
  const inZone = (timeZone: string) => render({ kind: 'paid', order: { ...order, timeZone } }).text;

  expect(inZone('Europe/Stockholm')).toContain('21 November 2026 at 00:15 CET');
  expect(inZone('UTC')).toContain('20 November 2026 at 23:15 UTC');
  expect(inZone('Asia/Makassar')).toContain('Central Indonesia Time');
});

test('a method that we have no name for is shown as given', () => {
  const { text } = render({ kind: 'paid', order: { ...order, paymentMethod: 'new_method' } });

  expect(text).toContain('Paid with: new_method');
});

test('markup in any text stays text', () => {
  const evil = `<script>alert('1')</script><img src=x onerror="x">{{ merchant }}{% raw %}`;

  for (const kind of orderMailKinds) {
    const mail = render({ kind, ...hostile(evil) });

    expect(mail.html).not.toMatch(/<script|<img|onerror="/);
    expect(mail.html).toContain('&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;');
    expect(mail.html).toContain('{{ merchant }}');
  }
});

test('names of any script, length and shape come through whole', () => {
  for (const name of ['Åsa Öberg 🎬👩‍👩‍👧', '李小龍', 'W'.repeat(255), 'O’Brien & Söhne']) {
    const mail = render({ kind: 'created', ...hostile(name) });

    expect(mail.subject).toContain(name);
    expect(mail.text).toContain(`Hi ${name},`);
    expect(visibleText(mail.html)).toContain(`Hi ${name},`);
  }
});

test('a right-to-left name is isolated from the sentence around it', () => {
  const { text } = render({ kind: 'created', ...hostile('مسرح القاهرة') });

  expect(text).toContain('Hi \u2068مسرح القاهرة\u2069,');
});

test('a name can neither start a new line nor turn the words around it', () => {
  const mail = render({ kind: 'paid', ...hostile('Budi\r\nBcc: thief@example.com\u202e\u2028!') });

  expect(mail.subject).not.toMatch(/[\r\n]/);
  expect(mail.text).toContain('Hi Budi Bcc: thief@example.com !,');
  expect(mail.subject + mail.text + mail.html).not.toMatch(/[\u202e\u2028]/);
});

test('whatever the names hold, the mail has its own markup and nothing more', () => {
  const tags = (html: string) => html.match(/<[/!a-z][^>]*>/gi)?.filter((tag) => tag !== '<br>');
  const plain = tags(render({ kind: 'created' }).html);
  const typed = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 255 }),
    fc.stringMatching(/^[<>"'&;/{}%a-z ]{0,60}$/),
  );

  fc.assert(
    fc.property(typed, (name) => {
      const mail = render({ kind: 'created', ...hostile(`x${name}`) });
      expect(tags(mail.html)).toEqual(plain);
      expect(mail.subject).not.toMatch(/\p{Cc}/u);
    }),
  );
});

test.each(['javascript:alert(1)', 'data:text/html,x', '/orders/1', ''])(
  'the link %j is refused',
  (link) => {
    expect(() => render({ kind: 'paid', order: { ...order, statusUrl: link } })).toThrow(
      'A link in a mail must be a web address.',
    );
  },
);

test('every language has every text, and none of them is left in another language', () => {
  const facts = { merchant: 'M', orderId: 'O', amount: 'A', expiresAt: 'E' };
  const texts = mailLocales.map((locale) => {
    const { kinds, labels, ...rest } = orderMailWords[locale];
    const written = [
      rest.greeting('N'),
      rest.pay(facts),
      rest.viewOrder,
      rest.followOrder,
      rest.safety,
      rest.reason(facts),
      ...orderMailKinds.flatMap((kind) => [
        kinds[kind].heading,
        kinds[kind].status,
        kinds[kind].subject(facts),
        ...kinds[kind].paragraphs(facts),
      ]),
    ];
    expect(Object.values(labels).every((label) => label.length > 0)).toBe(true);
    return written;
  });

  const all = texts.flat();
  expect(all.every((text) => text && text.length > 1)).toBe(true);
  expect(new Set(texts.map((written) => written.length)).size).toBe(1);
  expect(all.filter((text, at) => all.indexOf(text) !== at)).toEqual([]);
});

type Choice = Pick<OrderMailInput, 'kind'> & Partial<OrderMailInput>;

function render(choice: Choice) {
  return renderOrderMail({ locale: 'en', tenant: { name: 'Buatfilm' }, order, ...choice });
}

function hostile(text: string) {
  return { tenant: { name: text }, order: { ...order, customerName: text, orderId: text } };
}

/** Intl writes no-break spaces, which read like any other. */
function readable(text: string): string {
  return text.replaceAll(/[\u00a0\u202f]/g, ' ');
}

/** What a reader of the HTML part sees, without help of the code that made it. */
function visibleText(html: string): string {
  return html
    .replace(/<head>.*<\/head>/s, '')
    .replaceAll(/<[^>]*>/g, '\n')
    .replaceAll(/&(?:zwnj|nbsp|#847);/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

function buttonLink(html: string): string | undefined {
  const link = /class="button".*?<a href="([^"]*)"/s.exec(html)?.[1];
  return link?.replaceAll('&amp;', '&');
}

const paidInAll = { en: 'IDR 154,000', id: 'Rp 154.000', sv: '154 000 IDR' };
const fee = { en: 'IDR 4,000', id: 'Rp 4.000', sv: '4 000 IDR' };

test.each(mailLocales)('a receipt in %s says what a fee on top came to in all', (locale) => {
  const given = { kind: 'paid', locale, tenant: { name: 'Buatfilm' } } as const;
  const mail = renderOrderMail({ ...given, order: { ...order, customerFee: 4_000n } });
  const { labels } = orderMailWords[locale];

  for (const body of [readable(mail.text), readable(visibleText(mail.html))]) {
    const [sentence] = body.match(/Buatfilm[^.]*?154.000( IDR)?/) ?? [];
    expect(sentence).toContain(paidInAll[locale]);
    for (const part of [price[locale], labels.customerFee, fee[locale], labels.total]) {
      expect(body).toContain(part);
    }
  }
  expect(renderOrderMail({ ...given, order }).text).not.toContain(labels.customerFee);
});
