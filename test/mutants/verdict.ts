import { z } from 'zod';

/** What vitest's JSON reporter says of a run, as far as it matters here. */
export const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()),
        }),
      ),
    }),
  ),
});
export type Report = z.infer<typeof Report>;

/** How many tests ran, by file. */
export type Counts = ReadonlyMap<string, number>;

export type Verdict =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' }
  /** Tests went red, or did not run at all, for another reason than what they assert. */
  | { readonly kind: 'proves-nothing'; readonly why: string };

/**
 * What a run over a broken copy shows, given how many tests of each file ran in the clean one. A
 * copy that does not load, or whose set-up fails, would be noticed by a suite without assertions. A
 * run may have stopped at its first failure: what it did not come to proves nothing, and need not.
 */
export function verdictOf(report: Report, clean: Counts): Verdict {
  const [unloaded] = report.testResults.filter(({ assertionResults }) => !assertionResults.length);
  if (unloaded) return { kind: 'proves-nothing', why: `${unloaded.name} did not load` };
  const failed = failedIn(report);
  const [killer] = failed.filter(({ messages }) => messages.some(isAssertion));
  if (killer) return { kind: 'killed', by: killer.name };
  const [broken] = failed;
  if (broken) return { kind: 'proves-nothing', why: `no assertion failed, but ${broken.name}` };
  const ran = countRun(report);
  for (const [file, expected] of clean) {
    const found = ran.get(file) ?? 0;
    if (found === expected) continue;
    return { kind: 'proves-nothing', why: `${found} of ${expected} tests of ${file} ran` };
  }
  return { kind: 'survived' };
}

export function countRun({ testResults }: Report): Counts {
  const hasRun = ({ status }: { status: string }) => status === 'passed' || status === 'failed';
  return new Map(
    testResults.map(({ name, assertionResults }) => [name, assertionResults.filter(hasRun).length]),
  );
}

export function failedIn({ testResults }: Report): { name: string; messages: string[] }[] {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => ({ name: fullName, messages: failureMessages }));
}

/**
 * Told by the stack that vitest prints of a failure. What `rejects` and `resolves` find out is a bare
 * Error, thrown by the assertion itself.
 */
function isAssertion(message: string): boolean {
  const [origin = ''] = /^ +at .*$/m.exec(message) ?? [];
  return message.startsWith('AssertionError') || origin.includes(' _Assertion.');
}
