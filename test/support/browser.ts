import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Why browser tests cannot run here; undefined when they can. */
export function whyNoBrowser(): string | undefined {
  if (places.some((place) => existsSync(place))) return undefined;
  return "no Chromium is installed; Debian's is: apt-get install chromium";
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = places.find((place) => existsSync(place));
  if (!executablePath) throw new Error(whyNoBrowser());
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', // as root Chromium starts no other way
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
