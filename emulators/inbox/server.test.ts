import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';

test('the process reports its addresses, ends on SIGTERM and keeps mails over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inbox-'));
  const dataFile = join(folder, 'deep', 'inbox.sqlite');
  const first = await startProcess(dataFile);
  await sendTo(first.smtpUrl, 'survives');

  const firstExit = await first.stop();
  const second = await startProcess(dataFile);
  const kept = await fetch(`${second.url}/_control/messages`).then((answer) => answer.json());
  await second.stop();
  await rm(folder, { recursive: true });

  expect(firstExit).toBe(0);
  expect(kept).toMatchObject([{ subject: 'survives' }]);
});

test('the process ends with one line and exit code 1 when a port is taken', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const address = squatter.address();
  const port = typeof address === 'object' ? `${address?.port}` : '';

  const child = forkServer({ INBOX_PORT: '0', INBOX_SMTP_PORT: port, INBOX_DATA: ':memory:' });
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  squatter.close();

  expect(code).toBe(1);
  expect(output.trim().split('\n')).toHaveLength(1);
  expect(output).toContain(`Port ${port} is taken`);
  expect(output).toContain('INBOX_SMTP_PORT');
});

function forkServer(env: Record<string, string>) {
  return fork(join(import.meta.dirname, 'server.ts'), { env, silent: true });
}

async function startProcess(dataFile: string) {
  const child = forkServer({ INBOX_PORT: '0', INBOX_SMTP_PORT: '0', INBOX_DATA: dataFile });
  const [ready] = await once(child, 'message');
  expect(ready).toMatchObject({ ready: true });
  return {
    ...(ready as { url: string; smtpUrl: string }),
    async stop() {
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      return code;
    },
  };
}

async function sendTo(smtpUrl: string, subject: string) {
  const { hostname: host, port } = new URL(smtpUrl);
  const transport = createTransport({ host, port: Number(port) });
  await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject, text: 'Hello' });
}
