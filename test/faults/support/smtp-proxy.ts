import { connect, createServer, type Socket } from 'node:net';
import { openDoor } from './door.ts';
import type { Fault, Gate } from './gate.ts';

export type SmtpProxy = { readonly url: string; close(): Promise<void> };

/** Stands between Kassa and its mail server; each command with its reply is one passage. */
export async function startSmtpProxy({
  url,
  gate,
}: {
  url: string;
  gate: Gate;
}): Promise<SmtpProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    serve(client, upstream, gate);
  });
  const door = await openDoor(server, { gate, kind: 'mail' });
  return {
    url: `smtp://127.0.0.1:${door.port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await door.close();
    },
  };
}

/** What a client says until it waits, and how the server's reply to it is to be had. */
type Turn = { readonly name: string; readonly bytes: Buffer };

function serve(client: Socket, upstream: Socket, gate: Gate): void {
  const replies = readReplies(upstream);
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  for (const socket of [client, upstream]) {
    socket.on('error', end);
    socket.on('close', end);
  }

  async function take({ name, bytes }: Turn): Promise<void> {
    const fault = gate.pass({ kind: 'mail', name });
    if (fault) return spoil({ name, bytes }, fault);
    upstream.write(bytes);
    client.write(await replies.next());
  }

  async function spoil({ name, bytes }: Turn, { mode, strike }: Fault): Promise<void> {
    if (mode === 'refused for now') return void client.write('451 Try again later\r\n');
    if (mode === 'refused for good') return void client.write('550 No\r\n');
    if (mode === 'stall') return;
    if (mode === 'after') {
      upstream.write(bytes);
      await replies.next();
    }
    // A greeting has no question: its own first half is what arrives.
    const half = name === 'greeting' ? await replies.next() : bytes;
    const other = name === 'greeting' ? client : upstream;
    if (mode === 'cut') other.write(half.subarray(0, half.length / 2));
    await strike?.();
    end();
  }

  let work = take({ name: 'greeting', bytes: Buffer.alloc(0) }).catch(end);
  readTurns(client, (turn) => {
    work = work.then(() => take(turn)).catch(end);
  });
}

/** Whole replies in their order: their last line has a space after the code. */
function readReplies(upstream: Socket) {
  const waiting: ((reply: Buffer) => void)[] = [];
  const ready: Buffer[] = [];
  let text = '';
  upstream.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (;;) {
      const reply = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(text)?.[0];
      if (!reply) return;
      text = text.slice(reply.length);
      const bytes = Buffer.from(reply, 'latin1');
      const next = waiting.shift();
      if (next) next(bytes);
      else ready.push(bytes);
    }
  });
  return {
    next: (): Promise<Buffer> => {
      const first = ready.shift();
      if (first) return Promise.resolve(first);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** Commands, and after DATA the message as one turn. */
function readTurns(client: Socket, onTurn: (turn: Turn) => void): void {
  let bytes = Buffer.alloc(0);
  let isMessage = false;
  client.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const mark = isMessage ? '\r\n.\r\n' : '\r\n';
      const at = bytes.indexOf(mark);
      if (at < 0) return;
      const turn = bytes.subarray(0, at + mark.length);
      bytes = bytes.subarray(at + mark.length);
      const name = isMessage ? 'message' : (turn.toString('latin1').match(/^\w+/)?.[0] ?? '?');
      isMessage = name === 'DATA';
      onTurn({ name, bytes: Buffer.from(turn) });
    }
  });
}
