import type { Db, TenantTx } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import * as auditChains from '../repositories/audit-chains.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import { genesis, type Head, hashOf, type Link } from '../repositories/audit-entries.ts';
import { checkSeal } from './history-seals.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = { readonly db: Db; readonly directory: TenantDirectory };

export type ChainReport = {
  /** The last entry that was found good. */
  readonly head: Head;
  /** The first one. */
  readonly fault: string | undefined;
};

type Question = {
  /** What somebody noted of this chain before: its tail and its end may both have been set back. */
  readonly noted?: Head | undefined;
};

/** How far a chain is verified. */
type Position = { readonly head: Head; readonly sealedUpTo: string | undefined };
type Step = { readonly position: Position; readonly fault?: string };
type Checking = { readonly noted: Head | undefined; readonly hasHistory: boolean };

const linksPerPage = 500;
const start: Position = { head: { seq: 0n, hash: genesis }, sealedUpTo: undefined };

/** Computes the audit log's chains again, and says where one is not what Kassa wrote. */
export function createAuditVerification({ db, directory }: Dependencies) {
  /** The tenants of all chains, those that are gone and the platform's nil id included. */
  async function* listChains(): AsyncGenerator<TenantId> {
    let after: TenantId | undefined;
    for (;;) {
      const next = await db.withPlatform((tx) => auditChains.findNext(tx, after));
      if (!next) return;
      yield next;
      after = next;
    }
  }

  async function verify(id: TenantId, { noted }: Question = {}): Promise<ChainReport> {
    // A chain may grow meanwhile: what is here now has to be whole.
    const heads = await db.withTenantOnce(id, auditEntries.listHeads);
    const [end = { seq: 0n, hash: genesis }] = heads;
    if (heads.length > 1) return { head: start.head, fault: 'the chain has more than one end' };
    // The history of a tenant that is gone went with it.
    const hasHistory = (await directory.find(id)) !== undefined;
    const walked = await walk(id, end, { noted, hasHistory });
    const { head } = walked.position;
    const fault = walked.fault ?? faultOfEnd({ head, end, noted }) ?? (await findBeyond(id));
    return { head, fault };
  }

  /** Page by page up to the end, or to the first fault. */
  async function walk(id: TenantId, end: Head, checking: Checking): Promise<Step> {
    let position = start;
    while (position.head.seq < end.seq) {
      const step = await db.withTenant(id, (tx) => checkPage(tx, position, { end, ...checking }));
      if (step.fault || step.position.head.seq === position.head.seq) return step;
      position = step.position;
    }
    return { position };
  }

  async function findBeyond(id: TenantId): Promise<string | undefined> {
    const { last, head } = await db.withTenantOnce(id, auditEntries.readEnd);
    return last > head ? `entry ${last} is beyond the chain's end at ${head}` : undefined;
  }

  return { listChains, verify };
}

async function checkPage(
  tx: TenantTx,
  from: Position,
  { end, noted, hasHistory }: Checking & { readonly end: Head },
): Promise<Step> {
  let position = from;
  const links = await auditEntries.listLinks(tx, { after: from.head.seq, limit: linksPerPage });
  for (const link of links) {
    if (link.entry.seq > end.seq) break;
    const fault = faultOfLink(link, position.head, noted);
    if (fault) return { position, fault };
    const seal = hasHistory ? await checkSeal(tx, link.entry, position.sealedUpTo) : undefined;
    if (seal?.fault) return { position, fault: seal.fault };
    const head = { seq: link.entry.seq, hash: link.hash };
    position = { head, sealedUpTo: seal?.upTo ?? position.sealedUpTo };
  }
  return { position };
}

function faultOfLink(
  { entry, previousHash, hash, isWholeMoment }: Link,
  before: Head,
  noted: Head | undefined,
): string | undefined {
  const { seq } = entry;
  if (seq !== before.seq + 1n) return `entry ${before.seq + 1n} is missing`;
  if (!previousHash.equals(before.hash)) return `entry ${seq} does not follow the one before it`;
  const isSame = isWholeMoment && hashOf(entry, before.hash).equals(hash);
  if (!isSame) return `entry ${seq} was altered`;
  const isNoted = noted?.seq !== seq || noted.hash.equals(hash);
  return isNoted ? undefined : `entry ${seq} is not the one that was noted`;
}

type Ends = { readonly head: Head; readonly end: Head; readonly noted: Head | undefined };

function faultOfEnd({ head, end, noted }: Ends): string | undefined {
  if (head.seq < end.seq) return `entry ${head.seq + 1n} is missing`;
  if (!head.hash.equals(end.hash)) return `the chain's end is not the hash of entry ${head.seq}`;
  if (!noted || noted.seq <= head.seq) return undefined;
  return `the chain ends at entry ${head.seq}, but entry ${noted.seq} was noted`;
}
