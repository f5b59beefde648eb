import { InvalidArgumentError } from 'commander';
import { platformChain } from '../domain/audit.ts';
import { Slug, TenantId } from '../domain/ids.ts';
import type { Head } from '../repositories/audit-entries.ts';
import type { Wiring } from '../wire.ts';

type Services = Wiring['services'];
type Asked = {
  /** A slug, or the id of a tenant that may be gone; without one: all chains. */
  readonly tenant: string | undefined;
  readonly expect: Head | undefined;
  readonly say: (line: string) => void;
};

/** Verifies the audit log's chains and says how each one ends; false when one has a fault. */
export async function verifyAudit(
  services: Services,
  { tenant, expect: noted, say }: Asked,
): Promise<boolean> {
  const { auditVerification: verification } = services;
  const chains = tenant === undefined ? verification.listChains() : [await idOf(services, tenant)];
  let verified = 0;
  let faults = 0;
  for await (const id of chains) {
    const { head, fault } = await verification.verify(id, { noted });
    const name = await nameOf(services, id);
    // All chains begin at 1 and have no gap: the number of the last entry is their count.
    say(`${name}: ${head.seq} entries, head ${head.seq}:${head.hash.toString('hex')}`);
    if (fault) say(`${name}: FAULT: ${fault}`);
    verified += 1;
    faults += fault ? 1 : 0;
  }
  say(`${verified} chains verified, ${faults} with a fault`);
  return faults === 0;
}

/** `12:9f86d0…`, as an earlier run said it. */
export function toHead(text: string): Head {
  const [, seq, hash] = /^([1-9]\d{0,17}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (!seq || !hash) throw new InvalidArgumentError('It must be seq:hash, as an earlier run said.');
  return { seq: BigInt(seq), hash: Buffer.from(hash, 'hex') };
}

async function idOf({ directory }: Services, name: string): Promise<TenantId> {
  const id = TenantId.safeParse(name);
  if (id.success) return id.data;
  const slug = Slug.safeParse(name);
  const tenant = slug.success ? await directory.findBySlug(slug.data) : undefined;
  if (!tenant) throw new Error(`There is no tenant ${name}. One that is gone goes by its id.`);
  return tenant.id;
}

async function nameOf({ directory }: Services, id: TenantId): Promise<string> {
  if (id === platformChain) return `platform (${id})`;
  const tenant = await directory.find(id);
  return tenant?.slug ?? `${id} (gone)`;
}
