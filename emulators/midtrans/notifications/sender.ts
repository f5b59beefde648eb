import { type IncomingMessage, request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { addressOf } from '../hosts.ts';

/** How one attempt ended: the receiver's answer, or what kept it from answering. */
export type Answer = {
  readonly code?: number;
  readonly error?: string;
  /** The emulator itself would not send it, now or later. */
  readonly isRefused?: true;
};
export type SendOptions = {
  readonly isAllowed: (hostname: string) => boolean;
  readonly signal: AbortSignal;
};

const mostRedirects = 5;

/** Posts a notification; 307 and 308 are followed with the same body, as Midtrans does. */
export async function send(target: string, body: string, options: SendOptions): Promise<Answer> {
  let url = new URL(target);
  for (let redirects = 0; ; redirects += 1) {
    if (!options.isAllowed(url.hostname)) {
      return { error: 'the host is not on the allow-list', isRefused: true };
    }
    const { code, location } = await post(url, body, options.signal);
    const isFollowed = code === 307 || code === 308;
    if (!isFollowed || !location || !URL.canParse(location, url)) return { code };
    if (redirects === mostRedirects) return { code, error: 'too many redirects' };
    url = new URL(location, url);
  }
}

/**
 * `fetch` would not do: it neither takes a Host header nor another address than the name's own.
 * Each request has its own connection, so that a receiver's restart cannot spoil the next one.
 */
function post(url: URL, body: string, signal: AbortSignal) {
  const request = url.protocol === 'https:' ? requestByHttps : requestByHttp;
  return new Promise<{ code: number; location: string | undefined }>((resolve, reject) => {
    const outgoing = request({
      method: 'POST',
      protocol: url.protocol,
      host: addressOf(url.hostname),
      port: url.port,
      path: url.pathname + url.search,
      agent: false,
      signal,
      headers: {
        host: url.host,
        'user-agent': 'Veritrans',
        accept: 'application/json',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        connection: 'close',
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (answer: IncomingMessage) => {
      // The answer's body says nothing to Midtrans; it is read so that the connection can end.
      answer.on('error', () => undefined).resume();
      resolve({ code: answer.statusCode ?? 0, location: answer.headers.location });
    });
    outgoing.end(body);
  });
}
