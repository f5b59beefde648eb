import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { demoTenants } from './seed.ts';

const Secrets = z.object({
  superuserPassword: z.string(),
  databasePassword: z.string(),
  secretKeys: z.record(z.string(), z.string()),
  /** As `MASTER_KEYS` has it. */
  masterKeys: z.string(),
});
export type Secrets = z.infer<typeof Secrets>;

/** The demo's passwords and keys: made once for a data folder, readable by its owner only. */
export async function loadSecrets(file: string): Promise<Secrets> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  // A folder that an older version made lacks what was not thought of then.
  const known = Secrets.partial().parse(text === undefined ? {} : JSON.parse(text));
  const secrets = { ...newSecrets(), ...known };
  if (Object.keys(known).length === Object.keys(Secrets.shape).length) return secrets;
  // By rename: a start that dies half-way must not leave half a file to the next.
  await writeFile(`${file}.new`, JSON.stringify(secrets, undefined, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secrets;
}

function newSecrets(): Secrets {
  return {
    superuserPassword: randomBytes(24).toString('base64url'),
    databasePassword: randomBytes(24).toString('base64url'),
    secretKeys: Object.fromEntries(
      demoTenants.map(({ slug }) => [slug, `sk_test_${randomBytes(24).toString('hex')}`]),
    ),
    // Production refuses a key of this name.
    masterKeys: `demo1:${randomBytes(32).toString('base64')}`,
  };
}
