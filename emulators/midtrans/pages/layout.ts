import { type Html, html } from './html.ts';

export const stylePath = '/snap/v3/page.css';

/** The frame of every page, with the words that keep anyone from taking it for a bank's. */
export function layout(title: string, content: Html): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${stylePath}">
</head>
<body>
<header class="banner"><strong>Midtrans emulator.</strong> This is a test page and no money moves.</header>
<main>${content}</main>
</body>
</html>
`;
  return page.text;
}

/** `Rp 150.000`, with a plain space; the style sheet keeps it on one line. */
export function rupiah(amount: number): string {
  const sign = amount < 0 ? '-' : '';
  return `${sign}Rp ${Math.abs(amount).toLocaleString('id-ID')}`;
}
