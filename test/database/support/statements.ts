const parts = [
  /'(?:[^']|'')*'/, // a text
  /"(?:[^"]|"")*"/, // a name
  /--[^\n]*/,
  /\/\*[\s\S]*?\*\//,
  /\$(\w*)\$[\s\S]*?\$\1\$/, // a body
  /;/,
];
const tokens = new RegExp(parts.map(({ source }) => source).join('|'), 'g');

/** The statements of an SQL text, cut at the semicolons that separate them. */
export function statementsIn(text: string): string[] {
  const cuts = [...text.matchAll(tokens)].filter(([token]) => token === ';');
  const starts = [0, ...cuts.map(({ index }) => index + 1)];
  return starts.map((start, at) => text.slice(start, cuts[at]?.index).trim());
}
