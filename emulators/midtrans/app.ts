import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type Response,
} from 'express';
import type { Logger } from 'pino';
import { clientErrorStatus } from './refusal.ts';

type Parts = {
  logger: Logger;
  /** Does overdue work before a request sees the books. */
  runDue: () => void;
  snap: express.Router;
  core: express.Router;
  page: express.Router;
  control: express.Router;
};

/** The whole HTTP interface, on one port; it neither listens nor knows how its parts were made. */
export function buildApp({ logger, runDue, snap, core, page, control }: Parts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_req: Request, _res: Response, next: NextFunction) => {
    runDue();
    next();
  });
  app.use('/snap/v1', snap);
  app.use('/v2', core);
  app.use('/_control', control);
  app.use(page);
  app.get('/', (_req, res) => {
    res.type('text').send('The Midtrans emulator of Kassa. See emulators/midtrans/README.md.\n');
  });
  app.use((_req: Request, res: Response) => void res.status(404).type('text').send('Not found.\n'));
  app.use(answerFailure(logger));
  return app;
}

function answerFailure(logger: Logger): ErrorRequestHandler {
  return (error, _req, res, next) => {
    if (res.headersSent) return next(error);
    const status = clientErrorStatus(error);
    // Only the name and place of a defect: its message might hold what a merchant has sent.
    if (status === undefined) logger.error({ failure: placeOf(error) }, 'request failed');
    res.status(status ?? 500).json({ message: 'The request could not be handled.' });
  };
}

function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no Error was thrown';
  const place = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return `${error.name} ${place?.trim() ?? ''}`;
}
