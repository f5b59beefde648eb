import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyA, minimal, type Rig, startRig } from './testing.ts';

type Answer = Record<string, unknown>;
type Call = (id: string, body?: object) => Promise<Answer>;
type Axios = {
  defaults: Record<string, unknown>;
  interceptors: { request: { use(change: (config: { url: string }) => object): void } };
};
type Client = {
  createTransaction(body: object): Promise<Answer>;
  transaction: Record<'status' | 'cancel' | 'expire' | 'approve' | 'deny' | 'refund', Call>;
  httpClient: { http_client: Axios };
};
/** The package has no types of its own; these are the few calls that are made here. */
const { Snap }: { Snap: new (options: object) => Client } = createRequire(import.meta.url)(
  'midtrans-client',
);

let rig: Rig;
let client: Client;
beforeEach(async () => {
  rig = await startRig();
  client = clientOf(keyA);
});
afterEach(() => rig.close());

/** The official client, with every address moved to the emulator. */
function clientOf(serverKey: string): Client {
  const snap = new Snap({ isProduction: false, serverKey, clientKey: '' });
  const axios = snap.httpClient.http_client;
  axios.defaults.proxy = false;
  axios.interceptors.request.use((config) => {
    const { pathname, search } = new URL(config.url);
    return { ...config, url: rig.url + pathname + search };
  });
  return snap;
}

describe('the official client', () => {
  test('[1] it creates a transaction', async () => {
    expect(await client.createTransaction(minimal('A'))).toEqual({
      token: expect.any(String),
      redirect_url: expect.stringContaining(rig.url),
    });
  });

  test('[12] a refused create is an error with a number', async () => {
    await rig.order('A');
    await rig.pay('A', 'bca_va');
    const create = client.createTransaction(minimal('A'));

    await expect(create).rejects.toMatchObject({ httpStatusCode: 400 });
  });

  test('[2] an unknown key is an error with a number on both interfaces', async () => {
    client = clientOf('wrong');
    const refused = { httpStatusCode: 401 };

    await expect(client.createTransaction(minimal('A'))).rejects.toMatchObject(refused);
    await expect(client.transaction.status('A')).rejects.toMatchObject(refused);
  });

  test('[39] [42] a status is resolved, and a missing one is an error with a string', async () => {
    await rig.order('A');
    await expect(client.transaction.status('A')).rejects.toMatchObject({ httpStatusCode: '404' });
    await rig.pay('A', 'bca_va', { outcome: 'pending' });

    expect(await client.transaction.status('A')).toMatchObject({ status_code: '201' });
  });

  test('[43] [44] cancel is resolved, and 412 is an error with a string', async () => {
    await rig.order('A');
    await rig.pay('A', 'bca_va', { outcome: 'pending' });

    expect(await client.transaction.cancel('A')).toMatchObject({ status_code: '200' });
    await expect(client.transaction.cancel('A')).rejects.toMatchObject({ httpStatusCode: '412' });
  });

  test('[45] expire is resolved with 407', async () => {
    await rig.order('A');
    await rig.pay('A', 'bca_va', { outcome: 'pending' });

    expect(await client.transaction.expire('A')).toMatchObject({ status_code: '407' });
    expect(await client.transaction.status('A')).toMatchObject({ status_code: '407' });
  });

  test('[43] approve and deny find no challenge', async () => {
    await rig.order('A');
    await rig.pay('A', 'credit_card');
    const refused = { httpStatusCode: '412' };

    await expect(client.transaction.approve('A')).rejects.toMatchObject(refused);
    await expect(client.transaction.deny('A')).rejects.toMatchObject(refused);
  });

  test('[46] [47] refunds are resolved, and a repeated key is an error with a string', async () => {
    await rig.order('A');
    await rig.pay('A', 'gopay');
    const part = { refund_key: 'r1', amount: 50_000, reason: 'broken' };
    const { refund } = client.transaction;

    const done = await refund.call(client.transaction, 'A', part);
    expect(done).toMatchObject({ transaction_status: 'partial_refund', refund_key: 'r1' });
    const again = refund.call(client.transaction, 'A', part);
    await expect(again).rejects.toMatchObject({ httpStatusCode: '406' });
  });
});
