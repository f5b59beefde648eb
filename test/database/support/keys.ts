import type { Db } from '../../../src/db/database.ts';
import type { Origin } from '../../../src/domain/caller.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { openLocalMasterKeys } from '../../../src/providers/keys/local.ts';
import { createKeyRotation } from '../../../src/services/key-rotation.ts';
import { createMidtransAccounts } from '../../../src/services/midtrans-accounts.ts';
import { createSealing } from '../../../src/services/sealing.ts';
import { createTenantDirectory } from '../../../src/services/tenants.ts';
import { openVault } from '../../../src/services/vault.ts';
import { testMasterKeys } from '../../support/master-keys.ts';
import { log } from './open.ts';

export const operator: Origin = {
  actor: { kind: 'operator', id: undefined, label: 'a test' },
  requestId: 'a test',
  address: undefined,
};

type Options = { readonly masterKeys?: string; readonly sealsPerKey?: number };

/** All that a process has to do with secrets, with a memory of its own. */
export async function openKeys(db: Db, options: Options = {}) {
  const source = { keys: new Secret(options.masterKeys ?? testMasterKeys) };
  const masterKeys = await openLocalMasterKeys({ source, isProduction: false });
  const { sealsPerKey } = options;
  const vault = await openVault({ db, masterKeys, ...(sealsPerKey && { sealsPerKey }) });
  const sealing = createSealing({ db, vault, log });
  const accounts = createMidtransAccounts({ db, vault, sealing, log });
  const rotation = createKeyRotation({ db, vault, sealing, masterKeys });
  const directory = createTenantDirectory({ db, accounts });
  return { masterKeys, vault, sealing, accounts, rotation, directory };
}
