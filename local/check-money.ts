import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readEnvironment } from '../src/config.ts';
import { checkMoney, describeInvariants } from './money-checker.ts';
import { loadSecrets } from './secrets.ts';
import { readSettings } from './settings.ts';
import type { Demo } from './summary.ts';

/** `npm run check:money`: holds the books of the running demo against the emulator's. */
async function main(): Promise<void> {
  const settings = readSettings(readEnvironment());
  const dir = resolve(settings.KASSA_DIR);
  const demo = await readDemo(`${dir}/demo.json`);
  if (!demo.midtrans || settings.DATABASE_URL) {
    throw new Error('Only the demo with its own database and Midtrans emulator can be checked.');
  }
  const { superuserPassword } = await loadSecrets(`${dir}/secrets.json`);
  const invariants = await checkMoney({
    adminUrl: `postgresql://postgres:${superuserPassword}@127.0.0.1:${settings.POSTGRES_PORT}/kassa`,
    midtransUrl: demo.midtrans,
  });
  process.stdout.write(`${describeInvariants(invariants)}\n`);
  if (invariants.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
}

async function readDemo(file: string): Promise<Demo> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error('No demo is running here. Start it first: npm start');
  });
  return JSON.parse(text);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
