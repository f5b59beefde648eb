import type { TenantId } from '../../domain/ids.ts';

/** Which data key is wrapped: a wrapped key opens for this owner and version only. */
export type DataKeyName = { readonly tenantId: TenantId; readonly version: number };

export type WrappedKey = { readonly kekId: string; readonly wrapped: Buffer };

/**
 * The keys that wrap data keys, kept outside of every database. A key service (KMS) would be another
 * implementation: none of these says how a master key looks, or where it is.
 */
export type MasterKeys = {
  /** The one that new data keys are wrapped by. */
  currentId(): Promise<string>;
  wrap(key: Buffer, name: DataKeyName): Promise<WrappedKey>;
  /** @throws MasterKeyError */
  unwrap(wrapped: WrappedKey, name: DataKeyName): Promise<Buffer>;
};

/** A data key that cannot be unwrapped. The message names keys by their ids and holds none. */
export class MasterKeyError extends Error {
  /** `missing`: nobody gave us that master key; `wrong`: another one has its name, or a row was altered. */
  readonly reason: 'missing' | 'wrong';

  constructor(reason: MasterKeyError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MasterKeyError';
    this.reason = reason;
  }
}
