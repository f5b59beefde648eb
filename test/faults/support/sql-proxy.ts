import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Fault, Gate } from './gate.ts';
import { isWrite, nameStatement } from './sql-names.ts';

export type SqlProxy = { readonly url: string; close(): Promise<void> };

type Options = {
  readonly url: string;
  readonly gate: Gate;
  /** Whose statements pass the gate, by the name that a client gives itself. */
  readonly isCounted: (applicationName: string) => boolean;
};

/** What a client sends until the server has to answer: one statement with its values. */
type Unit = { readonly bytes: Buffer; readonly sql: string };

/**
 * Stands between Kassa and PostgreSQL. It reads so much of the protocol that it knows where a
 * statement ends and when the server has answered it; pipelined statements go through one by one.
 */
export async function startSqlProxy({ url, gate, isCounted }: Options): Promise<SqlProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    serve(client, upstream, { gate, isCounted });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String((server.address() as AddressInfo).port);
  return {
    url: proxied.href,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(client: Socket, upstream: Socket, { gate, isCounted }: Omit<Options, 'url'>): void {
  const answers = countAnswers(upstream, client);
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  for (const socket of [client, upstream]) {
    socket.on('error', end);
    socket.on('close', end);
  }
  let applicationName = '';
  let work = Promise.resolve();
  const nameUnit = createNames(() => applicationName);

  async function forward(unit: Unit): Promise<void> {
    if (client.destroyed || upstream.destroyed) return;
    const passage = { kind: 'sql', name: nameUnit(unit.sql) } as const;
    const fault = isCounted(applicationName) ? gate.pass(passage) : undefined;
    if (!fault) {
      answers.expect();
      upstream.write(unit.bytes);
      return;
    }
    // What came before it has had its answer: only this statement is in doubt.
    await answers.all();
    await spoil({ client, upstream, answers }, unit.bytes, fault);
    end();
  }

  readClient(client, {
    onStart(bytes) {
      applicationName = /application_name\0([^\0]*)/.exec(bytes.toString('latin1'))?.[1] ?? '';
      upstream.write(bytes);
    },
    onOther: (bytes) => {
      work = work.then(() => void upstream.write(bytes));
    },
    onUnit: (unit) => {
      work = work.then(() => forward(unit)).catch(end);
    },
  });
}

type Talk = {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly answers: ReturnType<typeof countAnswers>;
};

/** What becomes of a statement before its connection is broken. */
async function spoil(talk: Talk, bytes: Buffer, { mode, strike }: Fault): Promise<void> {
  const { client, upstream, answers } = talk;
  if (mode === 'after') {
    answers.mute();
    answers.expect();
    upstream.write(bytes);
    await answers.all();
  }
  if (mode === 'cut') {
    await new Promise((resolve) => upstream.write(bytes.subarray(0, bytes.length / 2), resolve));
  }
  await strike?.();
  if (mode === 'cut') client.resetAndDestroy();
}

/** Names a connection's units; a commit goes by what it makes last. */
function createNames(applicationName: () => string) {
  let writes: string[] = [];
  return (sql: string): string => {
    const name = nameStatement(sql);
    const isCommit = name === 'commit';
    const written = writes.length > 0 ? [...new Set(writes)].join(', ') : 'reads';
    if (name === 'begin' || isCommit) writes = [];
    if (isWrite(name)) writes.push(name);
    const who = applicationName().replace(/^kassa-/, '');
    return `${who}: ${isCommit ? `commit of ${written}` : name}`;
  };
}

type Listeners = {
  onStart(bytes: Buffer): void;
  /** What is no statement, and answered in its own way: a password, a farewell. */
  onOther(bytes: Buffer): void;
  onUnit(unit: Unit): void;
};

function readClient(client: Socket, { onStart, onOther, onUnit }: Listeners): void {
  let isStarted = false;
  let bytes = Buffer.alloc(0);
  let unit: Buffer[] = [];
  let sql = '';
  client.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      // Only the first message has no type in front of its length.
      const offset = isStarted ? 1 : 0;
      if (bytes.length < offset + 4) return;
      const length = offset + bytes.readInt32BE(offset);
      if (bytes.length < length) return;
      const message = bytes.subarray(0, length);
      bytes = bytes.subarray(length);
      if (!isStarted) {
        isStarted = true;
        onStart(message);
      } else onMessage(message);
    }
  });

  function onMessage(message: Buffer): void {
    const type = String.fromCharCode(message[0] ?? 0);
    if (type === 'p' || type === 'X') return void onOther(message);
    unit.push(message);
    if (type === 'Q') sql = message.toString('utf8', 5, message.length - 1);
    if (type === 'P') sql = textOfParse(message);
    if (type !== 'Q' && type !== 'S') return;
    onUnit({ bytes: Buffer.concat(unit), sql });
    unit = [];
    sql = '';
  }
}

/** A statement's name, its text, its types: the first two end with a NUL. */
function textOfParse(message: Buffer): string {
  const start = message.indexOf(0, 5) + 1;
  return message.toString('utf8', start, message.indexOf(0, start));
}

/** Hands on what the server says, and knows how many statements it still has to answer. */
function countAnswers(upstream: Socket, client: Socket) {
  let bytes = Buffer.alloc(0);
  let expected = 0;
  let isLoggedIn = false;
  let isMuted = false;
  let settle = () => {};

  upstream.on('data', (chunk) => {
    if (!isMuted) client.write(chunk);
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 5 && bytes.length > bytes.readInt32BE(1)) {
      const isReady = bytes[0] === 'Z'.charCodeAt(0);
      bytes = bytes.subarray(1 + bytes.readInt32BE(1));
      if (isReady && isLoggedIn) expected -= 1;
      if (isReady) isLoggedIn = true;
    }
    if (expected === 0) settle();
  });
  upstream.on('close', () => settle());

  return {
    expect: () => {
      expected += 1;
    },
    mute: () => {
      isMuted = true;
    },
    all: async () => {
      if (expected === 0 || upstream.destroyed) return;
      await new Promise<void>((resolve) => {
        settle = resolve;
      });
    },
  };
}
