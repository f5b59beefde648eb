import type { PlatformRole, Scope, TenantRole } from './access.ts';
import type { ApiKeyId, SessionId, TenantId, UserId } from './ids.ts';

/** Who sends a request, as far as was proven. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'key';
      readonly keyId: ApiKeyId;
      readonly tenantId: TenantId;
      readonly type: 'secret' | 'publishable';
      /** What a person may see again of it: `sk_test_4f2a`. */
      readonly prefix: string;
      readonly scopes: readonly Scope[];
    }
  | {
      readonly kind: 'user';
      readonly userId: UserId;
      readonly email: string;
      readonly sessionId: SessionId;
      /** The tenant that was chosen in this session; whether it may be is another question. */
      readonly activeTenantId: TenantId | undefined;
      /** The password was given a short while ago: asked for by what is hard to undo. */
      readonly isFresh: boolean;
      readonly hasSecondFactor: boolean;
      /** A role of this user, or its tenant, wants a second factor, which the user has not set up. */
      readonly owesSecondFactor: boolean;
      readonly platformRole: PlatformRole | undefined;
      /** In the tenant of this request: a membership, or a grant to platform staff. */
      readonly tenantRole: TenantRole | 'granted' | undefined;
    };

/** A caller who has signed in. */
export type UserCaller = Extract<Caller, { readonly kind: 'user' }>;

/** Who did something, for the audit log. */
export type Actor = {
  readonly kind: 'user' | 'key' | 'operator' | 'system' | 'anonymous';
  /** Of the user or the key. */
  readonly id: string | undefined;
  /** Words that a person knows the actor by: a mail address, a key's prefix, a job's name. */
  readonly label: string;
};

/** Where a change comes from: who, through which request, from which address. */
export type Origin = {
  readonly actor: Actor;
  readonly requestId: string;
  readonly address: string | undefined;
};

/** What Kassa does by itself. */
export function bySystem(label: string, requestId: string): Origin {
  return { actor: { kind: 'system', id: undefined, label }, requestId, address: undefined };
}

/** What somebody does at the machine itself, by their login there. */
export function byOperator(label: string, requestId: string): Origin {
  return { actor: { kind: 'operator', id: undefined, label }, requestId, address: undefined };
}

export function actorOf(caller: Caller): Actor {
  switch (caller.kind) {
    case 'anonymous':
      return { kind: 'anonymous', id: undefined, label: 'anonymous' };
    case 'key':
      return { kind: 'key', id: caller.keyId, label: caller.prefix };
    case 'user':
      return { kind: 'user', id: caller.userId, label: caller.email };
    default:
      return caller satisfies never;
  }
}
