import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type WireTap = {
  /** The tapped login: the same database, by way of the tap. */
  readonly url: string;
  /** How many round trips the work cost: how often a client spoke after the server had. */
  roundTripsOf(work: () => Promise<unknown>): Promise<number>;
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
  const sockets = new Set<Socket>();
  let turns = 0;

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
    join(client, upstream);
    join(upstream, client);
  });

  /** What ends or breaks on one side ends on the other. */
  function join(socket: Socket, other: Socket): void {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('end', () => other.end());
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  }

  function cut(): void {
    for (const socket of sockets) socket.resetAndDestroy();
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
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
