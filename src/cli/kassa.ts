import { userInfo } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { v7 as uuidv7 } from 'uuid';
import manifest from '../../package.json' with { type: 'json' };
import { loadConfig, readEnvironment } from '../config.ts';
import { ReconciliationRequest } from '../contracts/reconciliations.ts';
import { byOperator } from '../domain/caller.ts';
import { Slug, type TenantId } from '../domain/ids.ts';
import { localDate } from '../domain/local-time.ts';
import { Problem } from '../domain/problems.ts';
import { nightlyWindow } from '../domain/reconciliation-window.ts';
import type { Tenant } from '../domain/tenant.ts';
import { createLog } from '../log.ts';
import type { Head } from '../repositories/audit-entries.ts';
import * as tenants from '../repositories/tenants.ts';
import { requireWindow } from '../services/reconciliations.ts';
import { type Wiring, wire } from '../wire.ts';
import { addAdminCommands } from './admin.ts';
import { toHead, verifyAudit } from './audit.ts';
import { keysCommand } from './keys.ts';
import { addOwnerCommands } from './owner.ts';
import { reconcile } from './reconcile.ts';

const tenantsPerPage = 500;

/** Whoever runs this, for the audit log. */
const origin = byOperator(loginName(), uuidv7());

const program = new Command('kassa')
  .description(
    "The operator's commands. They read the environment of the server: see .env.example.",
  )
  .version(manifest.version)
  .showHelpAfterError();

const ledger = program.command('ledger').description('the double-entry books');

ledger
  .command('check')
  .description('adds the books up in three ways, and says where they differ; exit code 1 if so')
  .option('--tenant <slug>', 'only this tenant')
  .action(async ({ tenant }: { tenant?: string }) => {
    await withWiring(async (wiring) => {
      let findings = 0;
      let checked = 0;
      for await (const one of tenantsOf(wiring, tenant)) {
        for (const finding of await wiring.services.ledger.check(one)) {
          const { where, what, expected, found } = finding;
          say(`${one.slug}: ${where}: ${what} should be ${expected}, but is ${found}`);
          findings += 1;
        }
        checked += 1;
      }
      say(`${checked} tenants checked, ${findings} differences`);
      if (findings > 0) process.exitCode = 1;
    });
  });

const stats = program.command('stats').description("the statistics and the customers' totals");

stats
  .command('rebuild')
  .description('adds the orders up again, mends what is off and says what; exit code 1 if so')
  .option('--tenant <slug>', 'only this tenant')
  .option('--dry-run', 'only say what is off')
  .action(async ({ tenant, dryRun }: { tenant?: string; dryRun?: true }) => {
    await withWiring(async (wiring) => {
      const task = dryRun ? ({ mode: 'look' } as const) : ({ mode: 'mend', origin } as const);
      let findings = 0;
      let checked = 0;
      for await (const one of tenantsOf(wiring, tenant)) {
        for (const { where, missing } of await wiring.services.stats.rebuild(one, task)) {
          const { orders, amount, refunded } = missing;
          say(`${one.slug}: ${where}: off by ${orders} orders, ${amount}, ${refunded} refunded`);
          findings += 1;
        }
        checked += 1;
      }
      say(
        `${checked} tenants ${dryRun ? 'checked' : 'rebuilt'}, ${findings} differences${dryRun ? '' : ' mended'}`,
      );
      if (findings > 0) process.exitCode = 1;
    });
  });

program
  .command('reconcile')
  .description(
    'asks the provider about every payment of some days, mends our books where its word is enough, and says what differed; exit code 1 if something is left for a person',
  )
  .requiredOption('--tenant <slug>', 'whose payments')
  .option('--from <day>', 'the first day, as 2026-01-31; default: that of the last night', toDay)
  .option('--to <day>', 'the last day; default: today', toDay)
  .action(async ({ tenant: slug, ...days }: { tenant: string; from?: string; to?: string }) => {
    await withWiring(async ({ services }) => {
      const tenant = await getTenant(services.directory, slug);
      const now = new Date();
      const { from } = nightlyWindow(now, tenant);
      const window = { from, to: localDate(now, tenant.timeZone).day, ...days };
      requireWindow(window, tenant);
      if (!(await reconcile(services, { tenant, window, origin, say }))) process.exitCode = 1;
    });
  });

const audit = program.command('audit').description('the audit log');

audit
  .command('verify')
  .description(
    "computes the chains again, those of tenants that are gone and the platform's as well, and says how each one ends and where one was altered; exit code 1 if so",
  )
  .option('--tenant <slug or id>', "only this tenant's; the nil id is the platform's")
  .option(
    '--expect <seq:hash>',
    'an end that an earlier run said: the chain must still hold it. Only this shows a chain whose last entries were cut off together with its end.',
    toHead,
  )
  .action(async ({ tenant, expect }: { tenant?: string; expect?: Head }) => {
    if (expect && tenant === undefined) throw new Error('Say with --tenant whose end is expected.');
    await withWiring(async ({ services }) => {
      if (!(await verifyAudit(services, { tenant, expect, say }))) process.exitCode = 1;
    });
  });

program.addCommand(keysCommand({ withWiring, say, origin }));
addAdminCommands(program, { withWiring, say });
addOwnerCommands(program, { withWiring, getTenant, say });

function toDay(text: string): string {
  const day = ReconciliationRequest.shape.from.safeParse(text);
  if (!day.success) throw new InvalidArgumentError('It must be a day, as 2026-01-31.');
  return day.data;
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run this under a number that has no name.
    return `uid ${process.getuid?.()}`;
  }
}

async function withWiring(use: (wiring: Wiring) => Promise<void>): Promise<void> {
  // The demo's own, when this runs beside one.
  const config = loadConfig(readEnvironment('.kassa/env'));
  const log = createLog({ name: 'kassa', level: 'warn' }, process.stderr);
  const wiring = await wire({ config, log, version: manifest.version });
  try {
    await use(wiring);
  } finally {
    await wiring.close();
  }
}

/** The tenant of that name, or all of them. */
async function* tenantsOf({ db, services }: Wiring, slug: string | undefined) {
  if (slug !== undefined) {
    yield await getTenant(services.directory, slug);
    return;
  }
  let after: TenantId | undefined;
  for (;;) {
    const page = await db.withPlatform((tx) =>
      tenants.listIds(tx, { after, limit: tenantsPerPage }),
    );
    for (const id of page) {
      const tenant = await services.directory.find(id);
      if (tenant) yield tenant;
    }
    if (page.length < tenantsPerPage) return;
    after = page.at(-1);
  }
}

async function getTenant(
  directory: Wiring['services']['directory'],
  name: string,
): Promise<Tenant> {
  const slug = Slug.safeParse(name);
  const tenant = slug.success ? await directory.findBySlug(slug.data) : undefined;
  if (!tenant) throw new Error(`There is no tenant ${name}.`);
  return tenant;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  const fields = error instanceof Problem ? error.errors : [];
  for (const { field, message } of fields) process.stderr.write(`  --${field} ${message}\n`);
  process.exitCode = 1;
}
