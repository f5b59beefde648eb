import { createServer } from 'node:net';
import { hasCode } from './process.ts';

export async function chooseFreePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error('There is no free port on 127.0.0.1.');
  return port;
}

export async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

export function portTaken(port: number): Error {
  return new Error(
    `Port ${port} on 127.0.0.1, meant for PostgreSQL, is taken by another program. ` +
      'Stop that program, or set POSTGRES_PORT to a free port.',
  );
}

/** Opens the port and closes it at once; undefined when another program has it. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (hasCode(error, 'EADDRINUSE')) resolve(undefined);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
