import { TenantId } from './ids.ts';

/** Whose data key seals what belongs to no tenant. */
export const platformOwner = TenantId.parse('00000000-0000-0000-0000-000000000000');

/** Where a sealed text stands. It opens at this place and at no other. */
export type Place = {
  readonly table: string;
  readonly column: string;
  /** The row's key, as text. */
  readonly rowId: string;
};

/** How a sealed text begins; anything else in a sealed column is plain, and is sealed when met. */
export const sealedPrefix = 'sealed:';

export type SealedColumn = {
  readonly table: string;
  readonly column: string;
  /** The column with the row's key, unique in its table. */
  readonly row: string;
  /** The column that says whose it is; absent: the platform's. */
  readonly tenant?: string;
  /** A value that begins so only says where the secret is kept. */
  readonly reference?: string;
  /** A column with an HMAC of the secret, by which two rows with the same one are found. */
  readonly fingerprint?: string;
  /** A column with the last characters, by which a person knows the secret again. */
  readonly end?: string;
};

/** Every column that holds a secret: a new one is a line here, and is sealed and rotated with them. */
export const sealedColumns = [
  {
    table: 'tenants',
    column: 'midtrans_server_key',
    row: 'id',
    tenant: 'id',
    fingerprint: 'midtrans_server_key_fingerprint',
    end: 'midtrans_server_key_end',
  },
  { table: 'tenants', column: 'database_url', row: 'id', tenant: 'id', reference: 'env:' },
  { table: 'platform_secrets', column: 'value', row: 'name' },
] as const satisfies readonly SealedColumn[];

/** The key that opens a merchant's account at Midtrans. */
export const midtransServerKey = sealedColumns[0];
