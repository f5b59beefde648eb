import { request } from 'node:http';

export type Ask = {
  readonly method: string;
  readonly path: string;
  /** Any, also those that `fetch` keeps for itself, as Host. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
};
export type RawAnswer = {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};

/** Asks and answers character for character. */
export function askRaw(url: string, { method, path, headers, body }: Ask): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, async (res) => {
      let text = '';
      for await (const chunk of res.setEncoding('utf8')) text += chunk;
      resolve({ status: res.statusCode ?? 0, text, headers: res.headers });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
