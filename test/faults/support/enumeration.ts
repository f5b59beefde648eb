import type { Flow } from '../flows/story.ts';
import { count, type Evidence, emptyEvidence } from './evidence.ts';
import { type FaultMode, faultModes, type Passage, type Plan, type SeamKind } from './gate.ts';
import { newsTimeOf, runOnce, runTwice } from './runs.ts';
import type { World } from './world.ts';

export type Enumerated = { readonly evidence: Evidence; readonly wrongs: readonly string[] };

/**
 * Runs a flow clean to learn its seams, then once for each seam and each way in which it can fail.
 * After each the books are right, and the order is where it belongs.
 */
export async function enumerate(world: World, flow: Flow, kind: SeamKind): Promise<Enumerated> {
  const evidence = emptyEvidence();
  const seams = await learnSeams(world, { flow, kind, evidence });
  const wrongs: string[] = [];
  const hits = new Set<number>();
  let runs = 0;
  for (const [index, seam] of seams.entries()) {
    const number = index + 1;
    for (const mode of modesOf(kind, seam)) {
      const news = newsTimeOf(index + faultModes[kind].indexOf(mode));
      const befalls: Plan['befalls'] = (passage, nth) => passage.kind === kind && nth === number;
      const plan = { mode, befalls };
      const where = `${flow.name}: ${kind} #${number} ${seam.name}, ${mode}, news ${news}`;
      const run = await runOnce(world, flow, { plan, news, evidence });
      const isHit = run.hit && (mode === 'refuse' || run.hit.name === seam.name);
      if (isHit) hits.add(number);
      else wrongs.push(`${where}: the fault met ${run.hit?.name ?? 'nothing'}`);
      wrongs.push(...run.wrongs.map((wrong) => `${where}: ${wrong}`));
      count(evidence, `${kind}: ${mode}`);
      runs += 1;
    }
  }
  evidence.seams.push({ flow: flow.name, kind, count: seams.length, hit: hits.size, runs });
  return { evidence, wrongs };
}

/** A flow that does not pass the same seams each time could not be enumerated. */
async function learnSeams(
  world: World,
  { flow, kind, evidence }: { flow: Flow; kind: SeamKind; evidence: Evidence },
): Promise<Passage[]> {
  const [first = [], second] = (await runTwice(world, flow, evidence)).map((passages) =>
    passages.filter((passage) => passage.kind === kind),
  );
  const [once, again] = [first, second].map((seams) => JSON.stringify(seams));
  if (once === again) return first;
  throw new Error(`${flow.name} goes now ${once}, now ${again}`);
}

/** Only a connection can be refused, and a connection begins with a greeting. */
function modesOf(kind: SeamKind, { name }: Passage): readonly FaultMode[] {
  const hasDoor = kind === 'http' || name === 'greeting';
  return faultModes[kind].filter((mode) => mode !== 'refuse' || hasDoor);
}
