import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { dumpSchema } from '../src/db/schema-dump.ts';
import { setUpDatabase } from './database.ts';
import { removePostgres, startPostgres } from './postgres/start-postgres.ts';

const target = fileURLToPath(new URL('../database/schema.sql', import.meta.url));

/** `npm run schema:dump`: writes what the migrations make of an empty database of their own. */
async function main(): Promise<void> {
  const folder = await mkdtemp(`${tmpdir()}/kassa-schema-`);
  await chmod(folder, 0o755); // root's server runs as somebody else
  const password = randomBytes(16).toString('hex');
  const dataDir = `${folder}/data`;
  try {
    const server = await startPostgres({ dataDir, mode: 'fast', superuserPassword: password });
    try {
      const database = await setUpDatabase({ adminUrl: server.url, name: 'kassa', password });
      await writeFile(target, await dumpOf(database.owner));
    } finally {
      await server.stop();
    }
  } finally {
    await removePostgres(dataDir);
    await rm(folder, { recursive: true });
  }
}

async function dumpOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await dumpSchema(client);
  } finally {
    await client.end();
  }
}

await main();
