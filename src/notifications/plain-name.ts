// Right-to-left scripts, and the invisible marks that turn the direction of what follows.
const rightToLeft =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const directionMarks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';

/**
 * A text that a person typed, safe to stand inside our sentence: on one line, and unable to turn
 * the words around it. A right-to-left name is isolated, so that it reads right and they do too.
 */
export function plainName(typed: string): string {
  const line = typed
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(directionMarks, '')
    .trim();
  return rightToLeft.test(line) ? FIRST_STRONG_ISOLATE + line + POP_ISOLATE : line;
}
