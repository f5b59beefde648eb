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
  transaction: Record<
    'status' | 'statusb2b' | 'cancel' | 'expire' | 'approve' | 'deny' | 'refund' | 'refundDirect',
    Call
  >;
  httpClient: { http_client: Axios };
};
type CoreClient = Pick<Client, 'httpClient'> & { capture(body: object): Promise<Answer> };
type Options = { isProduction: boolean; serverKey: string; clientKey: string };
/** The package has no types of its own; these are the few calls that are made here. */
type Package = {
  Snap: new (options: Options) => Client;
  CoreApi: new (options: Options) => CoreClient;
};
const { Snap, CoreApi }: Package = createRequire(import.meta.url)('midtrans-client');

let rig: Rig;
let client: Client;
beforeEach(async () => {
  rig = await startRig();
  client = moved(new Snap(optionsOf(keyA)));
});
afterEach(() => rig.close());

const optionsOf = (serverKey: string) => ({ isProduction: false, serverKey, clientKey: '' });

/** The official client, with every address moved to the emulator. */
function moved<One extends Pick<Client, 'httpClient'>>(one: One): One {
  const axios = one.httpClient.http_client;
  axios.defaults.proxy = false;
  axios.interceptors.request.use((config) => {
    const { pathname, search } = new URL(config.url);
    return { ...config, url: rig.url + pathname + search };
  });
  return one;
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
    client = moved(new Snap(optionsOf('wrong')));
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

  test('[49] a direct refund that was denied is resolved as if it were one', async () => {
    await rig.order('A');
    await rig.pay('A', 'gopay');
    await rig.control('/settings', { refuseRefunds: 1 }, 'PUT');
    const part = { refund_key: 'r1', amount: 50_000 };

    const denied = await client.transaction.refundDirect('A', part);
    expect(denied).toMatchObject({ status_code: '202', refund_amount: '0.00' });
    const done = await client.transaction.refundDirect('A', part);
    expect(done).toMatchObject({ status_code: '200', refund_amount: '50000.00' });
  });

  test('[50] approve and deny are resolved', async () => {
    await rig.control('/settings', { challengeCards: true }, 'PUT');
    for (const orderId of ['A', 'B']) {
      await rig.order(orderId);
      await rig.pay(orderId, 'credit_card');
    }

    expect(await client.transaction.approve('A')).toMatchObject({ fraud_status: 'accept' });
    expect(await client.transaction.deny('B')).toMatchObject({ transaction_status: 'deny' });
  });

  test('[51] capture is resolved, and 412 is an error with a string', async () => {
    const core = moved(new CoreApi(optionsOf(keyA)));
    await rig.order('A', { credit_card: { type: 'authorize' } });
    const { transaction_id: id } = await rig.pay('A', 'credit_card');
    const capture = { transaction_id: id, gross_amount: 150_000 };

    expect(await core.capture(capture)).toMatchObject({ transaction_status: 'capture' });
    await expect(core.capture(capture)).rejects.toMatchObject({ httpStatusCode: '412' });
  });

  test('[53] the history is resolved', async () => {
    await rig.order('A');
    await rig.pay('A', 'gopay');

    const { transactions } = await client.transaction.statusb2b('A');
    expect(transactions).toMatchObject([{ order_id: 'A', transaction_status: 'settlement' }]);
  });
});
