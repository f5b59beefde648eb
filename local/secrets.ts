import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { demoTenants } from './seed.ts';

const random = () => randomBytes(24).toString('base64url');

const Secrets = z.object({
  superuserPassword: z.string().default(random),
  databasePassword: z.string().default(random),
  /** Of `SESSION_SECRET`. */
  sessionSecret: z.string().default(() => randomBytes(32).toString('base64url')),
  superadminPassword: z.string().default(random),
  /** Of the demo's merchants, by slug. */
  ownerPasswords: z
    .record(z.string(), z.string())
    .default(() => Object.fromEntries(demoTenants.map(({ slug }) => [slug, random()]))),
  secretKeys: z
    .record(z.string(), z.string())
    .default(() =>
      Object.fromEntries(
        demoTenants.map(({ slug }) => [slug, `sk_test_${randomBytes(24).toString('hex')}`]),
      ),
    ),
  /** As `MASTER_KEYS` has it; production refuses a key of this name. */
  masterKeys: z.string().default(() => `demo1:${randomBytes(32).toString('base64')}`),
});
export type Secrets = z.infer<typeof Secrets>;

/** The demo's passwords and keys: made once for a data folder, readable by its owner only. */
export async function loadSecrets(file: string): Promise<Secrets> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  // What a version before did not know is added.
  const secrets = Secrets.parse(text === undefined ? {} : JSON.parse(text));
  const json = JSON.stringify(secrets, undefined, 2);
  if (json === text) return secrets;
  // By rename: a start that dies half-way must not leave half a file to the next.
  await writeFile(`${file}.new`, json, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secrets;
}
