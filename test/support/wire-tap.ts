import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type WireTap = {
  /** The tapped login: the same database, by way of the tap. */
  readonly url: string;
  /** How many round trips the work cost: how often a client spoke after the server had. */
  roundTripsOf(work: () => Promise<unknown>): Promise<number>;
  /** How many clients are connected, or trying to be. */
  clients(): number;
  /** From now on clients hear nothing, until `release`: a network that stalls. */
  hold(): void;
  release(): void;
  /** Breaks every connection, as a network does: without a goodbye. */
  cut(): void;
  close(): Promise<void>;
};

/**
 * Stands between a client and PostgreSQL, forwards every byte and counts turns of the talk. All
 * that a client sends before it waits is one turn, however many packets carry it: the tap shares
 * the client's thread, so it reads a turn only after the client has written the whole of it.
 */
export async function tapWire(url: string): Promise<WireTap> {
  const target = new URL(url);
  const clients = new Map<Socket, Socket>();
  let turns = 0;
  let isHeld = false;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    let isServersTurn = false;
    client.on('data', (bytes) => {
      if (!isServersTurn) turns += 1;
      isServersTurn = true;
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      isServersTurn = false;
      client.write(bytes);
    });
    if (isHeld) upstream.pause();
    clients.set(client, upstream);
    client.on('close', () => clients.delete(client));
    join(client, upstream);
    join(upstream, client);
  });

  function cut(): void {
    for (const socket of [...clients].flat()) socket.resetAndDestroy();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The tap has no port.');
  const tapped = new URL(url);
  tapped.hostname = '127.0.0.1';
  tapped.port = String(address.port);

  return {
    url: tapped.href,
    async roundTripsOf(work) {
      turns = 0;
      await work();
      return turns;
    },
    clients: () => clients.size,
    hold() {
      isHeld = true;
      for (const upstream of clients.values()) upstream.pause();
    },
    release() {
      isHeld = false;
      for (const upstream of clients.values()) upstream.resume();
    },
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What ends or breaks on one side ends on the other. */
function join(socket: Socket, other: Socket): void {
  socket.setNoDelay(true);
  socket.on('end', () => other.end());
  socket.on('error', () => other.destroy());
  socket.on('close', () => other.destroy());
}
