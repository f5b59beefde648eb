import type { DatabaseUrls } from '../../../local/database.ts';
import type { Gate } from './gate.ts';
import { startHttpProxy } from './http-proxy.ts';
import { startSmtpProxy } from './smtp-proxy.ts';
import { startSqlProxy } from './sql-proxy.ts';

type Parties = {
  readonly database: DatabaseUrls;
  readonly midtransUrl: string;
  readonly smtpUrl: string;
};

/** A proxy before each party that Kassa needs; all of them ask the one gate. */
export async function startProxies({ database, midtransUrl, smtpUrl }: Parties, gate: Gate) {
  // What it says to the listener is no answer, and nobody waits for it.
  const isCounted = (name: string) => name !== 'kassa-listener';
  const proxied = (url: string) => startSqlProxy({ url, gate, isCounted });
  const app = await proxied(database.app);
  const platform = await proxied(database.platform);
  const worker = await proxied(database.worker);
  const provider = await startHttpProxy({ url: midtransUrl, gate });
  const post = await startSmtpProxy({ url: smtpUrl, gate });
  return {
    database: { ...database, app: app.url, platform: platform.url, worker: worker.url },
    midtransUrl: provider.url,
    smtpUrl: post.url,
    async close(): Promise<void> {
      for (const proxy of [app, platform, worker, provider, post]) await proxy.close();
    },
  };
}
