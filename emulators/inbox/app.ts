import express, { type ErrorRequestHandler, type Express } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { ZodError, z } from 'zod';
import { controlRoutes } from './control.ts';
import type { Faults } from './faults.ts';
import { pageRoutes } from './pages.ts';
import type { Store } from './store.ts';

type InboxParts = {
  readonly store: Store;
  readonly faults: Faults;
  readonly smtpUrl: string;
  readonly log: Logger;
};

export function buildInboxApp({ store, faults, smtpUrl, log }: InboxParts): Express {
  const app = express();
  app.use(pageSecurity);
  app.use('/_control', controlRoutes({ store, faults }));
  app.use(pageRoutes({ store, smtpUrl }));
  app.use(problems(log));
  return app;
}

const pageSecurity = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      frameSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  originAgentCluster: false, // the frame cannot be keyed like the page; browsers complain
  strictTransportSecurity: false, // plain HTTP on loopback
});

const RequestError = z.object({ status: z.int().min(400).max(499), message: z.string() });

function problems(log: Logger): ErrorRequestHandler {
  return (error, _req, res, _next) => {
    const refusal = RequestError.safeParse(error);
    const send = (status: number, title: string, detail?: string) =>
      res
        .status(status)
        .type('application/problem+json')
        .send(JSON.stringify({ success: false, status, title, detail }));
    if (error instanceof ZodError) {
      send(400, 'The request is not right', z.prettifyError(error));
    } else if (refusal.success) {
      send(refusal.data.status, 'The request is not right', refusal.data.message);
    } else {
      log.error({ err: error }, 'request failed');
      send(500, 'Something went wrong in the inbox');
    }
  };
}
