import midtransClient from 'midtrans-client';
import { z } from 'zod';
import { Problem } from '../../domain/problems.ts';
import type { MidtransAccount } from '../../domain/tenant.ts';

type ClientOptions = {
  /** Where an emulator listens; undefined: Midtrans itself. */
  readonly baseUrl: string | undefined;
  /** For a whole call, connection and body included. */
  readonly timeoutMs: number;
};

/** A call that did not end in a success, without anything of the request that made it. */
export class MidtransFailure extends Error {
  readonly kind: 'http' | 'not-sent' | 'no-answer';
  /** HTTP status, or the code inside the body where Core API hides one; undefined: no answer. */
  readonly code: number | undefined;
  readonly messages: readonly string[];

  constructor(failure: Pick<MidtransFailure, 'kind' | 'code' | 'messages'>) {
    super(`Midtrans: ${failure.kind} ${failure.code ?? ''}`.trim());
    this.name = 'MidtransFailure';
    this.kind = failure.kind;
    this.code = failure.code;
    this.messages = failure.messages;
  }
}

/** What Midtrans says no with; anything else with an error code came from somebody on the way. */
const ErrorReply = z.union([
  z.object({ error_messages: z.array(z.string()) }),
  z.object({ status_code: z.string(), validation_messages: z.array(z.string()) }),
  z.object({ status_code: z.string(), status_message: z.string() }),
]);

/** System errors that end a call before its first byte left. */
const notSentCodes = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

/**
 * One `midtrans-client` per call: it costs microseconds, and nothing of one merchant's can be left
 * for another's. Its traps are closed here: no time limit, redirects and proxies followed,
 * every error carrying the server key, `"false"` meaning production.
 */
export function openClient(account: MidtransAccount, options: ClientOptions) {
  if (options.baseUrl && account.environment === 'production') {
    throw new Problem('provider-not-configured', 'A production key never goes to an emulator.');
  }
  const snap = new midtransClient.Snap({
    isProduction: account.environment === 'production',
    serverKey: account.serverKey.reveal(),
  });
  const http = snap.httpClient.http_client;
  http.defaults.maxRedirects = 0;
  http.defaults.proxy = false;
  http.defaults.maxContentLength = 1_000_000;
  http.interceptors.request.use((request) => {
    // axios' own timeout limits silence, not the whole: a reply that drips would never end.
    request.signal = AbortSignal.timeout(options.timeoutMs);
    if (options.baseUrl) request.url = withOrigin(request.url, options.baseUrl);
    return request;
  });

  async function guarded(call: () => Promise<unknown>): Promise<unknown> {
    try {
      return await call();
    } catch (error) {
      // Not as `cause`: what the library throws prints the server key.
      throw toFailure(error);
    }
  }

  return {
    createTransaction: (parameter: object, headers: Readonly<Record<string, string>>) =>
      guarded(() => {
        Object.assign(http.defaults.headers.common, headers);
        return snap.createTransaction(parameter);
      }),
    async status(id: string) {
      const segment = toPathSegment(id);
      return guarded(() => snap.transaction.status(segment));
    },
    /** All attempts of an order, newest first: the ten newest, as the library asks for no more. */
    async attempts(reference: string) {
      const segment = toPathSegment(reference);
      return guarded(() => snap.transaction.statusb2b(segment));
    },
    async cancelPage(token: string) {
      const path = `${snap.apiConfig.getSnapApiBaseUrl()}/transactions/${toPathSegment(token)}/cancel`;
      return guarded(() => snap.httpClient.request('post', account.serverKey.reveal(), path));
    },
    async expire(id: string) {
      const segment = toPathSegment(id);
      return guarded(() => snap.transaction.expire(segment));
    },
    async cancel(id: string) {
      const segment = toPathSegment(id);
      return guarded(() => snap.transaction.cancel(segment));
    },
    async refund(id: string, parameter: object) {
      const segment = toPathSegment(id);
      return guarded(() => snap.transaction.refund(segment, parameter));
    },
    capture(parameter: object) {
      // The library's Snap class has no capture of its own, only the means to call one.
      const path = `${snap.apiConfig.getCoreApiBaseUrl()}/v2/capture`;
      const key = account.serverKey.reveal();
      return guarded(() => snap.httpClient.request('post', key, path, parameter));
    },
  };
}

/** The library pastes ids into the path as they are; these would change or climb it. */
function toPathSegment(id: string): string {
  if (!/^[A-Za-z0-9._~-]{1,255}$/.test(id) || /^\.+$/.test(id)) {
    throw new Error('This id cannot stand in a path.');
  }
  return id;
}

function withOrigin(url: string, baseUrl: string): string {
  const { pathname, search } = new URL(url);
  return `${baseUrl}${pathname}${search}`;
}

type LibraryError = {
  readonly httpStatusCode?: number | string | null;
  readonly ApiResponse?: unknown;
  readonly rawHttpClientData?: { readonly code?: string };
  readonly code?: string;
  readonly response?: { readonly status?: number };
};

function toFailure(error: unknown): MidtransFailure {
  const thrown: LibraryError = typeof error === 'object' && error !== null ? error : {};
  const code = Number(thrown.httpStatusCode ?? thrown.response?.status);
  const reply = ErrorReply.safeParse(thrown.ApiResponse);
  if (code > 0 && reply.success) {
    return new MidtransFailure({ kind: 'http', code, messages: messagesOf(reply.data) });
  }
  const systemCode = thrown.rawHttpClientData?.code ?? thrown.code ?? '';
  const kind = notSentCodes.includes(systemCode) ? 'not-sent' : 'no-answer';
  return new MidtransFailure({ kind, code: undefined, messages: [] });
}

function messagesOf(reply: z.infer<typeof ErrorReply>): string[] {
  const messages =
    'error_messages' in reply
      ? reply.error_messages
      : 'validation_messages' in reply
        ? reply.validation_messages
        : [reply.status_message];
  return messages.map((message) => message.slice(0, 300)).slice(0, 10);
}
