import { createServer } from 'node:http';
import { pino } from 'pino';
import manifest from '../package.json' with { type: 'json' };
import { buildApp } from './app.ts';
import { loadConfig, readEnvironment } from './config.ts';
import { answerClientError } from './middleware/problems.ts';
import { runUntilSignal } from './process.ts';
import { wire } from './wire.ts';

const config = loadConfig(readEnvironment());
const log = pino({ name: 'kassa-server', level: config.LOG_LEVEL });

await runUntilSignal(log, async () => {
  const wiring = await wire({ config, log, version: manifest.version });
  const app = buildApp({
    services: wiring.services,
    log,
    publicUrl: config.PUBLIC_URL,
    trustedProxies: config.TRUSTED_PROXIES,
    tenantDomains: config.TENANT_DOMAINS,
    platformSubdomains: config.PLATFORM_SUBDOMAINS,
    hasDemo: config.DEMO_MODE,
    isHttps: config.PUBLIC_URL.startsWith('https://'),
  });
  const server = createServer(app);
  // Node's own limits are generous enough to hold a server with slow clients.
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxConnections = 10_000;
  server.on('clientError', answerClientError);
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
