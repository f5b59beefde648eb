import type { Flow } from '../flows/story.ts';
import { count, type Evidence, emptyEvidence } from './evidence.ts';
import type { Passage, Plan } from './gate.ts';
import { newsTimeOf, runOnce, runTwice } from './runs.ts';
import type { World } from './world.ts';

/** A moment at which a process dies: just before a passage, or after it and before its answer. */
type Point = { readonly name: string; readonly nth: number; readonly side: 'before' | 'after' };

/** Who dies, and how work goes on; what is killed by nothing loses its connection. */
export type Victim = {
  readonly name: 'server' | 'worker' | 'client';
  readonly fault: string;
  readonly kill?: () => Promise<unknown>;
  readonly recover?: () => Promise<void>;
};

type Crashed = { readonly evidence: Evidence; readonly wrongs: readonly string[] };

/** Kills at each point of a flow, starts again what has to, and looks what came of it. */
export async function crashEverywhere(
  world: World,
  flow: Flow,
  { name, fault, kill, recover }: Victim,
): Promise<Crashed> {
  const evidence = emptyEvidence();
  const learnt = await learnPoints(world, flow, evidence);
  // How often a worker looks again depends on the clock; that it looks once does not.
  const points = learnt.filter(({ nth }) => name !== 'worker' || nth === 1);
  const wrongs: string[] = [];
  let hit = 0;
  for (const [index, point] of points.entries()) {
    const news = newsTimeOf(index);
    const plan = planOf(point, kill);
    const run = await runOnce(world, flow, { plan, news, evidence, ...(recover && { recover }) });
    const where = `${flow.name}: ${name} killed ${describe(point)}, news ${news}`;
    if (run.hit) hit += 1;
    else wrongs.push(`${where}: it did not come there`);
    wrongs.push(...run.wrongs.map((wrong) => `${where}: ${wrong}`));
    count(evidence, fault);
  }
  evidence.crashPoints.push({ flow: `${flow.name}, ${name}`, count: points.length, hit });
  return { evidence, wrongs };
}

/** What a process looks up may be in its memory already; what it changes comes each time. */
async function learnPoints(world: World, flow: Flow, evidence: Evidence): Promise<Point[]> {
  const [first, second] = (await runTwice(world, flow, evidence)).map(pointsIn);
  const again = new Set(second?.map(describe));
  return first?.filter((point) => again.has(describe(point))) ?? [];
}

/** Around each call, and around each change that lasts. */
function pointsIn(passages: readonly Passage[]): Point[] {
  const seen = new Map<string, number>();
  return passages.filter(isTurning).flatMap(({ name }) => {
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return [
      { name, nth, side: 'before' as const },
      { name, nth, side: 'after' as const },
    ];
  });
}

const turnings: readonly RegExp[] = [
  /^app: commit of (?!reads$|delete idempotency_keys$)/,
  /^queue: insert pgboss\./, // the relay hands a job over
  /^relay: delete outbox$/,
  /^queue: complete pgboss\./,
];

function isTurning({ kind, name }: Passage): boolean {
  if (kind === 'sql') return turnings.some((turning) => turning.test(name));
  return kind === 'http' || name === 'message';
}

function planOf({ name, nth, side }: Point, kill: Victim['kill']): Plan {
  let passed = 0;
  return {
    mode: side,
    befalls(passage) {
      if (passage.name === name) passed += 1;
      return passage.name === name && passed === nth;
    },
    strike: async () => void (await kill?.()),
  };
}

function describe({ name, nth, side }: Point): string {
  return `${side} ${name}${nth > 1 ? ` (${nth})` : ''}`;
}
