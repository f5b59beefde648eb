import { afterAll, expect, test } from 'vitest';
import { run } from '../database/support/command.ts';
import { startGateway } from '../support/gateway.ts';
import { openMailDesk } from '../support/mail-desk.ts';
import { processEnvironment } from '../support/process-environment.ts';

const entry = new URL('../../src/cli/kassa.ts', import.meta.url);
const gateway = await startGateway();
const desk = openMailDesk(gateway);

afterAll(gateway.close);

function kassa(...words: string[]) {
  return run(entry, processEnvironment(gateway.database), words);
}

test('kassa owner invite has the first owner of a tenant mailed a link', async () => {
  const { slug } = await gateway.merchant();
  const invite = () => kassa('owner', 'invite', '--tenant', slug, '--email', 'Ayu@shop.example');

  const first = await invite();
  const second = await invite();

  expect(first).toMatchObject({
    code: 0,
    output: `ayu@shop.example is invited to own ${slug}. The worker mails the link.\n`,
  });
  expect(second).toMatchObject({ code: 0, output: expect.stringContaining('invited again') });
  const token = await desk.tokenFor('ayu@shop.example');
  const seen = await desk.post('/api/auth/invitations/preview', { token });
  expect(seen.body).toMatchObject({ invitation: { tenant: { slug }, role: 'owner' } });
});

test('kassa owner invite names what it cannot do', async () => {
  const unknown = await kassa('owner', 'invite', '--tenant', 'no-shop', '--email', 'a@b.example');
  const { slug } = await gateway.merchant();
  const misspelt = await kassa('owner', 'invite', '--tenant', slug, '--email', 'nobody');

  expect(unknown.code).toBe(1);
  expect(unknown.output).toContain('There is no tenant no-shop.');
  expect(misspelt.code).toBe(1);
  expect(misspelt.output).toContain('It must be a mail address.');
});
