/** A text of the tree, and what stands in its place in the broken copy. */
export type Edit = {
  readonly file: string;
  /** Occurs exactly once in the file, so that a mutant cannot break something else in silence. */
  readonly text: string;
  readonly replacement: string;
};

/** One protection taken away. */
export type Mutant = {
  readonly name: string;
  /** The rule that the copy breaks; I1 to I18 are the invariants of the design. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** The test files that have to notice. */
  readonly tests: readonly string[];
};

/** @throws Error when the mutant is out of date */
export function mutate(mutant: string, source: string, { file, text, replacement }: Edit): string {
  const times = source.split(text).length - 1;
  if (times === 1) return source.replace(text, () => replacement);
  throw new Error(
    `Mutant "${mutant}" is out of date: its text occurs ${times} times in ${file}, not once:\n${text}`,
  );
}
