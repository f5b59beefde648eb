import type { Flow, Story } from '../flows/story.ts';
import { addInvariants, type Evidence } from './evidence.ts';
import type { Passage, Plan, Watched } from './gate.ts';
import { checkBooks, settleDown } from './quiet.ts';
import type { World } from './world.ts';

/** When the provider's notifications come: before everything else that mends, or after it. */
type NewsTime = 'first' | 'last';

/** By turns, so that each kind of fault meets both. */
export function newsTimeOf(run: number): NewsTime {
  return run % 2 === 0 ? 'first' : 'last';
}

type RunOptions = {
  readonly news: NewsTime;
  readonly evidence: Evidence;
  readonly plan?: Plan;
  /** What has to be started again before anybody can go on. */
  readonly recover?: () => Promise<void>;
};
type Run = Watched & { readonly wrongs: readonly string[] };

/** Goes through a flow once, on empty books, with at most one fault; then looks what came of it. */
export async function runOnce(world: World, flow: Flow, options: RunOptions): Promise<Run> {
  const { news, evidence, plan, recover } = options;
  const { directory } = world.services;
  await world.outside.beginAnew();
  directory.forgetAll();
  const story = await flow.begin(world);
  // So that the merchant is looked up in every run, and not in those that come late.
  directory.forgetAll();
  const watched = await world.gate.watch(story.act, plan);
  await recover?.();
  const wrongs = await findWrongs(world, { story, news, evidence }).catch((error) => [
    error instanceof Error ? error.message : String(error),
  ]);
  addInvariants(evidence, [{ name: endsWell, checked: 1, violations: wrongs }]);
  return { ...watched, wrongs };
}

const endsWell = 'each run ends where it should, books included';

/** Twice without a fault, which nothing may come of; answers what passed each time. */
export async function runTwice(
  world: World,
  flow: Flow,
  evidence: Evidence,
): Promise<(readonly Passage[])[]> {
  const first = await runOnce(world, flow, { news: 'first', evidence });
  const second = await runOnce(world, flow, { news: 'last', evidence });
  const wrongs = [...first.wrongs, ...second.wrongs];
  if (wrongs.length > 0) throw new Error(`${flow.name} fails by itself: ${wrongs.join('\n')}`);
  return [first.passages, second.passages];
}

type Ending = Pick<RunOptions, 'news' | 'evidence'> & { readonly story: Story };

/**
 * Lets everything come to rest. News that come last find all mended without them, and change
 * nothing.
 */
export async function findWrongs(
  world: World,
  { story, news, evidence }: Ending,
): Promise<string[]> {
  const { outside } = world;
  if (news === 'first') await outside.deliverUntilHeard();
  await story.insist?.();
  if (news === 'first') await outside.deliverUntilHeard();
  await settleDown(world);
  const wrongs = await look(world, story, evidence);
  if (news === 'first') return wrongs;
  await outside.deliverUntilHeard();
  await settleDown(world);
  return [...wrongs, ...(await look(world, story, evidence))];
}

async function look(world: World, story: Story, evidence: Evidence): Promise<string[]> {
  const invariants = await checkBooks(world);
  addInvariants(evidence, invariants);
  const status = await world.outside.orderStatus(story.orderId);
  return [
    ...invariants.flatMap(({ name, violations }) => violations.map((line) => `${name}: ${line}`)),
    ...((await story.findWrongs?.()) ?? []),
    ...(story.end === undefined || status === story.end
      ? []
      : [`the order is ${status}, not ${story.end}`]),
  ];
}
