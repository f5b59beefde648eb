import type { Reporter, TestModule } from 'vitest/node';
import { type AttackCode, attacks } from './attack.ts';

/** Ends a run with how often each attack was tried, and what got through. */
export class AttackReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const all = modules
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) => test.meta().attack ?? []);
    const sum = (of: 'tries' | 'succeeded', code?: AttackCode) =>
      all
        .filter((each) => !code || each.code === code)
        .reduce((total, each) => total + each[of], 0);
    const codes = Object.keys(attacks) as AttackCode[];
    const lines = codes
      .filter((code) => sum('tries', code) > 0)
      .flatMap((code) => {
        const own = all.filter((each) => each.code === code);
        return [
          `${code} ${attacks[code].padEnd(40)} ${sum('tries', code)} tries, ${sum('succeeded', code)} succeeded`,
          ...own.flatMap(({ notes }) => notes.map((note) => `    ${note}`)),
          ...own.flatMap(({ throughs }) => throughs.map((what) => `    got through: ${what}`)),
        ];
      });
    const total = `attacks: ${sum('tries')} tries, ${sum('succeeded')} succeeded`;
    process.stdout.write(`\n${lines.join('\n')}\n\n${total}\n`);
  }
}
