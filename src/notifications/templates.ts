import { join } from 'node:path';
import { Liquid } from 'liquidjs';

export type RenderedMail = {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

const engineOptions = {
  root: join(import.meta.dirname, 'templates'),
  strictVariables: true,
  lenientIf: true, // so that `if` may ask for a part that this mail does not have
  strictFilters: true,
  ownPropertyOnly: true,
  cache: true,
};
const htmlTemplates = new Liquid({ ...engineOptions, outputEscape: 'escape' });
const textTemplates = new Liquid(engineOptions);

/** A mail of the two templates by this name. */
export function renderTemplates<V extends { readonly subject: string }>(
  name: string,
  view: V,
): RenderedMail {
  return {
    subject: view.subject,
    text: textTemplates.renderFileSync(`${name}.txt.liquid`, view),
    html: htmlTemplates.renderFileSync(`${name}.html.liquid`, view),
  };
}

/** The button must never run anything: escaping alone would let `javascript:` through. */
export function webAddress(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new Error('A link in a mail must be a web address.');
  }
  return url.href;
}
