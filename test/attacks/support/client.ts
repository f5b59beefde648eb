import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export type Question = {
  readonly method?: string;
  readonly path: string;
  /** Names and values in turn, as they go over the wire: a header may come twice. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
};

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly ms: number;
};

export type Client = ReturnType<typeof openClient>;

/** Sends what `fetch` would forbid or tidy up, and keeps its connections. */
export function openClient(
  url: string,
  { onAnswer }: { onAnswer?: (answer: Answer) => void } = {},
) {
  const { hostname: host, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  function ask(question: Question): Promise<Answer> {
    const { method = 'GET', path, headers = [], body, signal } = question;
    const hasHost = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
    const sent = [
      ...(hasHost ? [] : ['Host', `localhost:${port}`]),
      ...headers,
      ...(body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]),
    ];
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const options = { host, port, method, path, headers: sent, agent, ...(signal && { signal }) };
      const asked = request(options, async (res) => {
        try {
          const text = Buffer.concat(await res.toArray()).toString();
          const ms = performance.now() - startedAt;
          const answer = { status: res.statusCode ?? 0, headers: res.headers, text, ms };
          onAnswer?.(answer);
          resolve(answer);
        } catch (error) {
          reject(error);
        }
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** Bytes as they are; answers what came back until the server closed or fell silent. */
  function speak(bytes: string | Buffer, silenceMs = 400): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(Number(port), host, () => socket.write(bytes));
      let heard = '';
      const end = () => {
        socket.destroy();
        resolve(heard);
      };
      socket.setTimeout(silenceMs, end);
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
      });
      socket.on('error', end);
      socket.on('close', end);
    });
  }

  return { ask, speak, host, port: Number(port), close: () => agent.destroy() };
}

/** The status lines in what a socket heard. */
export function statusesIn(heard: string): number[] {
  return [...heard.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status));
}
