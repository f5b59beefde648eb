import manifest from '../package.json' with { type: 'json' };
import { buildApp } from './app.ts';
import { loadConfig, readEnvironment } from './config.ts';
import { createHttpServer } from './http-server.ts';
import { createLog } from './log.ts';
import { runUntilSignal } from './process.ts';
import { wire } from './wire.ts';

const config = loadConfig(readEnvironment());
const log = createLog({ name: 'kassa-server', level: config.LOG_LEVEL });

await runUntilSignal(log, async () => {
  const wiring = await wire({ config, log, version: manifest.version });
  const isHttps = config.PUBLIC_URL.startsWith('https://');
  // So many that a start is not held up; a worker goes on with the rest.
  await wiring.services.sealing.sealPlain();
  const app = buildApp({
    services: wiring.services,
    log,
    publicUrl: config.PUBLIC_URL,
    trustedProxies: config.TRUSTED_PROXIES,
    tenantDomains: config.TENANT_DOMAINS,
    platformSubdomains: config.PLATFORM_SUBDOMAINS,
    hasDemo: config.DEMO_MODE,
    isHttps,
  });
  const server = createHttpServer(app, {
    isHttps,
    trustedProxies: config.TRUSTED_PROXIES,
    // A client waits in silence while a provider is asked, which some work does more than once.
    limits: { idleMs: Math.max(30_000, 3 * config.PROVIDER_TIMEOUT_MS) },
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.PORT, config.HOST, resolve);
  });
  log.info({ address: server.address() }, 'server listens');

  return async () => {
    // Requests under way are answered; idle connections are closed at once, and those that become
    // idle now do not wait for another request.
    server.keepAliveTimeout = 1;
    await new Promise((resolve) => server.close(resolve));
    await wiring.close();
  };
});
