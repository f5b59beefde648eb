import { randomBytes, randomUUID } from 'node:crypto';
import type { TenantRole } from '../../src/domain/access.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { TenantId, UserId } from '../../src/domain/ids.ts';
import type { ApiKeys } from '../../src/services/api-keys.ts';
import type { TenantDirectory } from '../../src/services/tenants.ts';

type Services = { readonly apiKeys: ApiKeys; readonly directory: TenantDirectory };

type Person = {
  readonly tenantId: string;
  readonly role: TenantRole;
  /** The password was given a short while ago. */
  readonly isFresh?: boolean;
};

/**
 * Members of tenants who are signed in, before there is a way to sign in: a made-up bearer token
 * stands for a session. Everything after the question who asks is the real thing.
 */
export function createPeople() {
  const people = new Map<string, Person>();

  /** The headers of a member's requests. */
  function signIn(person: Person) {
    const token = `sk_test_session${randomBytes(16).toString('hex')}`;
    people.set(token, person);
    return { Authorization: `Bearer ${token}` };
  }

  /** Gives the services a door for these people beside the keys'. */
  function dress<S extends Services>(services: S): S {
    const { apiKeys, directory } = services;
    const authenticate: ApiKeys['authenticate'] = async (key) => {
      const person = people.get(key.reveal());
      if (!person) return apiKeys.authenticate(key);
      const tenant = await directory.find(TenantId.parse(person.tenantId));
      // A holder of a key in its type, a user in its kind: the routes behind see the kind.
      return { caller: toUser(person), tenant } as never;
    };
    return { ...services, apiKeys: { ...apiKeys, authenticate } };
  }

  return { signIn, dress };
}

function toUser({ role, isFresh = true }: Person): Caller {
  const userId = UserId.parse(randomUUID());
  return {
    kind: 'user',
    userId,
    email: `${role}@shop.example`,
    sessionId: userId,
    isFresh,
    owesSecondFactor: false,
    platformRole: undefined,
    tenantRole: role,
  };
}
