import { createTransport, type SendMailOptions, type Transporter } from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Inbox, startInbox } from './inbox.ts';
import { timeAgo } from './pages.ts';

let inbox: Inbox;
let transport: Transporter;

beforeEach(async () => {
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  const { hostname: host, port } = new URL(inbox.smtpUrl);
  // One connection for all mails of a test: the server greets each new one with a pause.
  transport = createTransport({ pool: true, maxConnections: 1, host, port: Number(port) });
});

afterEach(() => {
  transport.close();
  return inbox.close();
});

const script = '<script>alert(1)</script>';
const escapedScript = '&lt;script&gt;alert(1)&lt;/script&gt;';

test('an empty inbox says what will be here', async () => {
  const { text } = await page('/');

  expect(text).toContain('No mail yet');
  expect(text).toContain(inbox.smtpUrl);
});

test('no string of a mail becomes part of a page', async () => {
  await send({
    from: { name: script, address: 'from@example.com' },
    replyTo: { name: script, address: 'reply@example.com' },
    to: { name: script, address: 'to@example.com' },
    subject: `Hello ${script}`,
    text: script,
    html: '<p>Hello</p>',
    headers: { 'X-Evil': script },
  });

  const list = await page('/');
  const views = await Promise.all(
    ['html', 'text', 'headers', 'source'].map((view) => page(`/messages/1?view=${view}`)),
  );
  const search = await page(`/?q=${encodeURIComponent(`"${script}`)}`);

  for (const { status, text } of [list, ...views, search]) {
    expect(status).toBe(200);
    expect(text).not.toContain(script);
    expect(text).toContain(escapedScript);
  }
});

test('pages allow scripts, styles and frames only from themselves', async () => {
  const { headers } = await page('/');

  const policy = headers.get('content-security-policy');
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
});

test('the HTML part is framed in a sandbox and may neither run nor load anything', async () => {
  await send({ html: `<p>Hi</p>${script}<img src="https://tracker.example/x.png">` });

  const framing = await page('/messages/1');
  const framed = await page('/messages/1/html');

  const sandbox = /<iframe[^>]* sandbox="([^"]*)"/.exec(framing.text)?.[1];
  expect(sandbox).toBe('allow-popups allow-popups-to-escape-sandbox');
  const policy = framed.headers.get('content-security-policy')?.split('; ');
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain('img-src data:');
  expect(policy).toContain('sandbox allow-popups allow-popups-to-escape-sandbox');
  expect(policy?.join()).not.toContain('script-src');
  expect(framed.text).toContain('<p>Hi</p>');
});

test('the search finds receivers and subjects and keeps what was typed', async () => {
  await send({ to: 'asa@example.com', subject: 'Order A-1' });
  await send({ to: 'budi@example.com', subject: 'Order B-2' });

  const byReceiver = await page('/?q=ASA');
  const bySubject = await page('/?q=b-2');
  const nothing = await page('/?q=nobody');

  expect(byReceiver.text).toContain('Order A-1');
  expect(byReceiver.text).not.toContain('Order B-2');
  expect(byReceiver.text).toContain('value="ASA"');
  expect(bySubject.text).toContain('Order B-2');
  expect(nothing.text).toContain('No mail matches');
});

test('a long list is paged, and only its first page renews itself', async () => {
  for (let n = 1; n <= 51; n += 1) await send({ subject: `Order ${n} of many` });

  const first = await page('/?q=order');
  const older = /href="([^"]*before=[^"]*)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&');
  const second = await page(`${older}`);

  expect(first.text).toContain('data-refresh');
  expect(first.text).toContain('Order 51 of many');
  expect(first.text).not.toContain('Order 1 of many');
  expect(second.text).toContain('Order 1 of many');
  expect(second.text).not.toContain('Order 2 of many');
  expect(second.text).not.toContain('data-refresh');
});

test('a mail without an HTML part opens with its text', async () => {
  await send({ text: 'Only text' });

  const { text } = await page('/messages/1');

  expect(text).toContain('Only text');
  expect(text).not.toContain('<iframe');
});

test('a mail that is gone answers 404, and a nonsense id is refused', async () => {
  expect((await page('/messages/99')).status).toBe(404);
  expect((await page('/messages/99/html')).status).toBe(404);
  expect((await page('/nowhere')).status).toBe(404);
  expect((await page('/messages/abc')).status).toBe(400);
});

test('times read as people say them', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const ago = (seconds: number) => timeAgo(new Date(now.getTime() - seconds * 1000), now);

  expect([ago(-5), ago(3), ago(42), ago(60), ago(7300), ago(90_000)]).toEqual([
    'just now',
    'just now',
    '42 seconds ago',
    '1 minute ago',
    '2 hours ago',
    'yesterday',
  ]);
});

async function page(path: string) {
  const answer = await fetch(inbox.url + path);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

async function send(mail: SendMailOptions) {
  await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', text: 'Hi', ...mail });
}
