import type { OrderReference } from '../domain/ids.ts';
import type { Secret } from '../domain/secret.ts';
import type { Tenant } from '../domain/tenant.ts';

type AccountPage = 'sign-in' | 'verify-email' | 'forgot-password' | 'reset-password';

export type Addresses = ReturnType<typeof createAddresses>;

/** The URLs that others are given: the provider, the shopper's browser, mails. */
export function createAddresses({ publicUrl }: { publicUrl: string }) {
  /** Names the tenant, whose key verifies what arrives: never a member of the message. */
  function notificationUrl(tenant: Tenant): string {
    return `${publicUrl}/webhooks/midtrans?tenant=${tenant.slug}`;
  }

  /** Where the provider's page sends the shopper back to; the merchant's own page decides. */
  function returnUrl(tenant: Tenant, reference: OrderReference): string | undefined {
    if (!tenant.returnUrl) return undefined;
    const url = new URL(tenant.returnUrl);
    // Not `order_id`, which the provider appends with its own idea of it.
    url.searchParams.set('orderId', reference);
    return url.href;
  }

  /** Where a mail points to: the merchant's page, or else our answer in JSON. */
  function statusUrl(tenant: Tenant, reference: OrderReference): string {
    return (
      returnUrl(tenant, reference) ??
      `${publicUrl}/orders/${reference}/status?tenant=${tenant.slug}`
    );
  }

  function invitationUrl(token: Secret): string {
    return `${publicUrl}/invitation${inFragment(token)}`;
  }

  /** A page of ours, for a user; with the token of a link that was mailed. */
  function accountUrl(page: AccountPage, token?: Secret): string {
    return `${publicUrl}/${page}${token ? inFragment(token) : ''}`;
  }

  return { notificationUrl, returnUrl, statusUrl, accountUrl, invitationUrl };
}

/** After the `#`, which no browser sends: the token gets into no server's log, and no other page. */
function inFragment(token: Secret): string {
  return `#token=${token.reveal()}`;
}
