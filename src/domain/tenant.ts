import type { Slug, TenantId } from './ids.ts';
import type { Currency } from './money.ts';
import { Problem } from './problems.ts';
import type { Secret } from './secret.ts';

export type TenantStatus = 'pending' | 'active' | 'inactive' | 'suspended' | 'archived';

/** A merchant organisation as requests and jobs need it. Kept in memory; never sent to a client. */
export type Tenant = {
  readonly id: TenantId;
  readonly slug: Slug;
  readonly name: string;
  readonly status: TenantStatus;
  readonly locale: string;
  readonly currency: Currency;
  readonly timeZone: string;
  /** Orders per calendar month in the tenant's time zone; undefined: without limit. */
  readonly maxOrdersPerMonth: number | undefined;
  readonly returnUrl: string | undefined;
  readonly paymentExpiryMinutes: number;
  readonly emailFrom: string | undefined;
  readonly emailReplyTo: string | undefined;
  /** Of the pages, besides Kassa's own, that may start a payment or look at an order. */
  readonly allowedOrigins: readonly string[];
  /** Nobody starts a payment without a secret key. */
  readonly createRequiresKey: boolean;
  readonly midtrans: MidtransAccount | undefined;
  /** Whoever works for it must have a second factor. */
  readonly requiresSecondFactor: boolean;
};

/** A merchant's account at Midtrans. */
export type MidtransAccount = {
  readonly environment: 'sandbox' | 'production';
  readonly serverKey: Secret;
  readonly merchantId: string | undefined;
  /** Another tenant has the same key: order ids alone do not tell their payments apart. */
  readonly isShared: boolean;
};

/** Said of a tenant that is not there, and to whoever may not know of one that is. */
export function noSuchTenant(): Problem {
  return new Problem('tenant-not-found', 'There is no shop by this name.');
}

/** @throws Problem `tenant-inactive` */
export function requireActive(tenant: Tenant): Tenant {
  if (tenant.status === 'active') return tenant;
  throw new Problem('tenant-inactive', 'This shop does not take requests at the moment.');
}

/** @throws Problem `provider-not-configured`: without a key anybody could compute a signature */
export function accountOf({ midtrans, slug }: Tenant): MidtransAccount {
  if (midtrans) return midtrans;
  throw new Problem(
    'provider-not-configured',
    `${slug} has no Midtrans server key that can be used.`,
  );
}
