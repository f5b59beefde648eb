import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Gate, SeamKind } from './gate.ts';

type Options = { readonly gate: Gate; readonly kind: SeamKind };
type RefusedError = NodeJS.ErrnoException & { readonly port?: number };

/**
 * Lets a proxy listen, except while its gate wants the next connection refused. A refused one never
 * comes to the proxy, so it is counted where it starts: in this process.
 */
export async function openDoor(server: Server, { gate, kind }: Options) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  gate.guard(kind, (isOpen) => {
    if (isOpen === server.listening) return;
    if (isOpen) server.listen(port, '127.0.0.1');
    else server.close();
  });

  function onConnect(message: unknown): void {
    const { socket } = message as { socket: Socket };
    socket.once('error', ({ code, port: refusedPort }: RefusedError) => {
      if (code !== 'ECONNREFUSED' || refusedPort !== port) return;
      gate.pass({ kind, name: 'refused' });
    });
  }

  diagnostics.subscribe('net.client.socket', onConnect);
  return {
    port,
    async close(): Promise<void> {
      diagnostics.unsubscribe('net.client.socket', onConnect);
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
