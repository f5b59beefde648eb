import type { TenantRole } from '../../src/domain/access.ts';
import type { Gateway, Merchant } from './gateway.ts';
import { openPeople } from './people.ts';

type Member = { readonly role: TenantRole; readonly isFresh?: boolean };

/** A new member of a merchant, and the headers that a page of ours sends for it. */
export async function signInMember(
  gateway: Gateway,
  merchant: Merchant,
  { role, isFresh = true }: Member,
) {
  const people = openPeople(gateway);
  const person = await people.user({}, { isFresh });
  await people.join(person, merchant, role);
  return { email: person.email, headers: { Cookie: person.cookie, Origin: gateway.publicUrl } };
}
