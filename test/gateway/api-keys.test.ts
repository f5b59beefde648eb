import { afterAll, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';

const gateway = await startGateway();
const { send } = gateway;
afterAll(gateway.close);

const asking = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });

test('a revoked key is nobody’s from the next request on', async () => {
  const { id, secretKey, stats } = await gateway.merchant();
  expect((await stats()).status).toBe(200);

  await gateway.admin.query('update api_keys set revoked_at = now() where tenant_id = $1', [id]);

  expect(await send('/admin/stats', asking(secretKey))).toMatchObject({
    status: 401,
    body: { code: 'key-invalid' },
  });
});

test('where a secret key is needed, naming the tenant is not enough', async () => {
  const { slug } = await gateway.merchant();

  expect(await send(`/admin/stats?tenant=${slug}`)).toMatchObject({
    status: 401,
    body: { code: 'credentials-required' },
  });
});
