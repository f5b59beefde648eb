const tokenForm = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|\s+|./gsu;
const identifier = /^["\p{L}_]/u;
const clausesAfterFrom = ['WHERE', 'GROUP', 'HAVING', 'WINDOW', 'ORDER', 'LIMIT', 'OFFSET', 'FOR'];
const setOperations = ['UNION', 'INTERSECT', 'EXCEPT'];

/** `depth` counts the parentheses around it. */
type Token = { readonly text: string; readonly depth: number; readonly isInSubquery: boolean };

/**
 * PostgreSQL 15 writes `t.a` where 16 and later write `a`: in the outermost query of a view that
 * reads from one thing only. This takes the `t.` away, so that the text is the same on all; it can
 * go when 15 does. Within subqueries every version writes it.
 */
export function unqualify(definition: string): string {
  const tokens = tokenise(definition);
  const source = findOnlySource(tokens);
  if (!source) return definition;
  const isQualifier = (index: number) => {
    const [before, name, dot, column, next] = tokens.slice(index - 1, index + 4);
    if (!name || name.text !== source.alias || name.isInSubquery || dot?.text !== '.') return false;
    // What else looks like it: the end of a longer name, a whole row, a function in a schema.
    return before?.text !== '.' && column?.text !== '*' && next?.text !== '(';
  };
  const isKept = (index: number) =>
    (index >= source.start && index < source.end) ||
    !(isQualifier(index) || isQualifier(index - 1));
  return tokens
    .filter((_, index) => isKept(index))
    .map(({ text }) => text)
    .join('');
}

/** Where the outermost FROM reads from one thing: the tokens from FROM on, and how it is called. */
function findOnlySource(tokens: readonly Token[]) {
  const isOutermost = (index: number) => tokens[index]?.depth === 0;
  const start = tokens.findIndex(({ text }, i) => isOutermost(i) && text === 'FROM');
  if (start === -1) return undefined;
  const after = tokens.findIndex(
    ({ text }, i) => i > start && isOutermost(i) && clausesAfterFrom.includes(text),
  );
  const end = after === -1 ? tokens.length : after;
  const item = tokens.slice(start + 1, end);
  const names = item.filter(({ depth }) => depth === 0);
  const hasMore =
    names.some(({ text }) => text === ',') ||
    item.some(({ text, isInSubquery }) => text === 'JOIN' && !isInSubquery);
  const isCombined = tokens.some(({ text }, i) => isOutermost(i) && setOperations.includes(text));
  const alias = names.findLast(({ text }) => identifier.test(text))?.text;
  return hasMore || isCombined || alias === undefined ? undefined : { start, end, alias };
}

function tokenise(definition: string): Token[] {
  const texts = definition.match(tokenForm) ?? [];
  const open: { isSubquery: boolean }[] = [];
  return texts.map((text, index) => {
    if (text === ')') open.pop();
    const token = { text, depth: open.length, isInSubquery: open.some((each) => each.isSubquery) };
    if (text === '(') {
      const first = texts.slice(index + 1).find((next) => next.trim() !== '');
      open.push({ isSubquery: first === 'SELECT' || first === 'WITH' || first === 'VALUES' });
    }
    return token;
  });
}
