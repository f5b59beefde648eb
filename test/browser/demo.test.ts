import AxeBuilder from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBrowser, whyNoBrowser } from '../support/browser.ts';
import { makePlace, type Place, type Running, removePlace, start } from '../support/system.ts';

const why = whyNoBrowser();

let place: Place;
let running: Running;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];

beforeAll(async () => {
  if (why) return;
  place = await makePlace();
  running = await start(place);
  browser = await openBrowser();
}, 60_000);

beforeEach(async (test) => {
  if (why) return test.skip(why);
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  page = await context.newPage();
  faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
});

afterEach(async () => {
  if (!why) await context.close();
});

afterAll(async () => {
  if (why) return;
  await browser.close();
  await running.stop();
  await removePlace(place);
});

const shopOf = (slug: string) => `http://${slug}.localhost:${place.settings.PORT}/demo`;

async function buy(slug: string, email: string): Promise<void> {
  await page.goto(`${shopOf(slug)}?lang=en`);
  await page.getByLabel('Name').fill('Siti Rahma');
  await page.getByLabel(/mail/i).fill(email);
  await page.getByRole('button', { name: /^Pay/ }).click();
  await page.waitForURL(/redirection/);
}

async function mailSubjects(email: string): Promise<string[]> {
  const answer = await fetch(`${running.inbox}/_control/messages?to=${encodeURIComponent(email)}`);
  return ((await answer.json()) as { subject: string }[]).map(({ subject }) => subject);
}

test.each([
  ['buatfilm', 'Buat Film'],
  ['goteborg', 'Göteborgs Filmorkester'],
])('a shopper of %s buys, pays at the bank, sees it paid and gets the mail', async (slug, name) => {
  const email = `${crypto.randomUUID()}@shop.example`;

  await buy(slug, email);
  await page.getByText(name).first().waitFor();
  await page.getByRole('link', { name: /BCA/ }).click();
  await page.getByRole('button', { name: /Continue/ }).click();
  await page.getByRole('button', { name: /pay/i }).first().click();
  await page.waitForURL(/\/demo\/order/);
  await page.getByRole('heading', { name: /Paid|Lunas|Betald/ }).waitFor();

  await expect.poll(() => mailSubjects(email)).toHaveLength(2);
  await page.goto(`${running.inbox}`);
  await page.getByText(email).first().waitFor();
  expect(faults).toEqual([]);
});

test('the pages of the shop keep to their content policy, which holds a script of nobody’s', async () => {
  const answers: string[] = [];
  page.on('response', (answer) => {
    const policy = answer.headers()['content-security-policy'] ?? '';
    if (answer.url().includes('/demo') && answer.request().resourceType() === 'document') {
      answers.push(policy);
    }
  });
  await page.goto(`${shopOf('buatfilm')}?lang=en`);
  await page.getByRole('button', { name: /^Pay/ }).waitFor();
  await page.goto(`http://buatfilm.localhost:${place.settings.PORT}/demo/order?order_id=NONE`);
  await page.getByRole('heading').first().waitFor();

  expect(answers).toHaveLength(2);
  for (const policy of answers) {
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
  }
  expect(faults.filter((fault) => /policy|refused to/i.test(fault))).toEqual([]);

  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.planted = true';
    document.body.append(script);
  });
  expect(await page.evaluate(() => 'planted' in window)).toBe(false);
});

test('a denied card leaves the page payable; another method pays the same order', async () => {
  const email = `${crypto.randomUUID()}@shop.example`;
  await buy('buatfilm', email);
  await page.getByRole('link', { name: /card/i }).click();
  await page.getByLabel(/card number/i).fill('4911 1111 1111 1113');
  await page.getByRole('button', { name: 'Pay by card' }).click();
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText(/the payment was denied/).waitFor();

  await page.getByRole('link', { name: 'QRIS' }).click();
  await page.getByRole('button', { name: /Continue/ }).click();
  await page.getByRole('button', { name: /pay/i }).first().click();

  await page.waitForURL(/\/demo\/order/);
  await page.getByRole('heading', { name: /Paid|Lunas/ }).waitFor();
});

test('a second click and a reload are the same order', async () => {
  const email = `${crypto.randomUUID()}@shop.example`;
  await buy('buatfilm', email);
  const first = page.url();

  await page.goBack();
  await page.getByRole('button', { name: /^Pay|^Bayar/ }).click();
  await page.waitForURL(/redirection/);

  expect(page.url()).toBe(first);
});

test.each(['light', 'dark'] as const)('the pages pass axe in the %s scheme', async (scheme) => {
  await page.emulateMedia({ colorScheme: scheme });
  const violations: string[] = [];
  async function look(where: string) {
    const found = await new AxeBuilder({ page: page as never }).analyze();
    violations.push(...found.violations.map(({ id, help }) => `${where}: ${id} ${help}`));
  }

  await page.goto(`${shopOf('buatfilm')}?lang=sv`);
  await page.getByRole('button', { name: /Betala/ }).waitFor();
  await look('shop');
  await buy('buatfilm', 'axe@shop.example');
  await look('payment page');
  await page.getByRole('link', { name: /BCA/ }).click();
  await page.getByRole('button', { name: /Continue/ }).click();
  await look('payment instructions');
  await page.getByRole('button', { name: /pay/i }).first().click();
  await page.getByRole('heading', { name: /Paid|Lunas/ }).waitFor();
  await look('order');
  await page.goto(`${running.inbox}`);
  await page.getByText('axe@shop.example').first().waitFor();
  await look('inbox');

  expect(violations).toEqual([]);
});
