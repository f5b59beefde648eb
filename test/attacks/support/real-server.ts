import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { startMidtransStub } from '../../support/midtrans-stub.ts';
import { type KassaProcess, startProcess } from '../../support/server-process.ts';
import { createTestDatabase } from '../../support/test-database.ts';
import { type Client, openClient } from './client.ts';

/** The real server in a process of its own, with one shop, as it stands behind an https address. */
export async function startRealServer(settings: Record<string, string> = {}) {
  const database = await createTestDatabase();
  const secretKey = `sk_test_${randomBytes(24).toString('hex')}`;
  const serverKey = `SB-Mid-server-${randomBytes(12).toString('hex')}`;
  const admin = new pg.Client({ connectionString: database.admin });
  admin.on('error', () => undefined);
  await admin.connect();
  await admin.query(
    `with shop as (
       insert into tenants (slug, name, midtrans_server_key) values ('real-shop', 'A shop', $1)
       returning id)
     insert into api_keys (tenant_id, prefix, key_hash) select id, 'sk_test_', $2 from shop`,
    [serverKey, createHash('sha256').update(secretKey).digest()],
  );
  const midtrans = await startMidtransStub();
  let output = '';
  const server: KassaProcess = await startProcess('server', {
    database,
    settings: {
      LOG_LEVEL: 'debug',
      PUBLIC_URL: 'https://kassa.example',
      TRUSTED_PROXIES: '',
      MIDTRANS_BASE_URL: midtrans.url,
      ...settings,
    },
    onOutput: (text) => {
      output += text;
    },
  });
  const client: Client = openClient(server.url);
  return {
    client,
    database,
    admin,
    slug: 'real-shop',
    secretKey,
    serverKey,
    pid: server.pid,
    output: () => output,
    /** The memory that the process holds, in MB. */
    async memory(): Promise<number> {
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
    },
    /** The time that the process has worked, in steps of 10 ms: no other process counts in it. */
    async workedMs(): Promise<number> {
      const stat = await readFile(`/proc/${server.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    /** The clients, as `address:port`, that the server, or the kernel for it, holds on to. */
    async connections(): Promise<ReadonlySet<string>> {
      const port = client.port.toString(16).toUpperCase().padStart(4, '0');
      const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1);
      const held = lines
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local]) => local?.endsWith(`:${port}`))
        // Neither the door itself (0A), nor what the kernel remembers of those that are gone (06).
        .filter(([, , , state]) => state !== '0A' && state !== '06');
      return new Set(held.map(([, , remote = '']) => readAddress(remote)));
    },
    midtrans,
    async close() {
      client.close();
      await server.kill('SIGKILL');
      await midtrans.close();
      await admin.end();
      await database.drop();
    },
  };
}

/** `0100007F:1F90` is what the kernel writes for 127.0.0.1:8080. */
function readAddress(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const bytes = Buffer.from(address, 'hex').reverse();
  return `${bytes.join('.')}:${Number.parseInt(port, 16)}`;
}
