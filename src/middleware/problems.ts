import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { isUnavailable, unavailable } from '../db/errors.ts';
import { Problem } from '../domain/problems.ts';
import { requestIdOf } from './request-id.ts';

/** Answers every refusal and every defect as RFC 9457 problem; the one place that does. */
export const answerProblems: ErrorRequestHandler = (error, req, res, next) => {
  const problem = toProblem(error);
  // Logged here, once: a defect with its stack, a refusal with its reason.
  if (problem.status >= 500) req.log.error({ err: error, code: problem.code }, 'request failed');
  else req.log.info({ code: problem.code, detail: problem.message }, 'request refused');
  // Half an answer is out: only cutting the connection tells the client that it is not whole.
  if (res.headersSent) return next(error);
  sendProblem(res, problem);
};

export const answerNotFound: RequestHandler = (req) => {
  throw new Problem('not-found', `There is no ${req.path}.`);
};

/** Ends the list of a path's methods: what is not on it gets 405 and the list. */
export function allowOnly(...methods: readonly string[]): RequestHandler {
  return (req, res) => {
    res.set('Allow', methods.join(', '));
    throw new Problem('method-not-allowed', `${req.path} takes ${methods.join(', ')}.`);
  };
}

function sendProblem(res: Response, problem: Problem): void {
  if (problem.retryAfter !== undefined) res.set('Retry-After', String(problem.retryAfter));
  if (problem.status === 401) res.set('WWW-Authenticate', 'Bearer realm="kassa"');
  res
    .status(problem.status)
    // Of a page or a file that was not sent after all.
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(problem.toBody(requestIdOf(res))));
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isUnavailable(error)) return unavailable(error);
  return (
    toBodyProblem(error) ??
    new Problem('internal-error', 'The fault is logged under the request id.', { cause: error })
  );
}

/** What Express and its body parser throw, by the `type` or the status that they put on it. */
function toBodyProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const type = 'type' in error ? error.type : undefined;
  const status = 'status' in error ? error.status : undefined;
  switch (type) {
    case 'entity.too.large':
      return new Problem('body-too-large', 'The body may have at most 64 kB.');
    case 'entity.parse.failed':
      return new Problem('invalid-json', 'The body is not JSON.');
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new Problem('unsupported-media-type', 'Send JSON in UTF-8.');
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem('invalid-request', 'The request could not be read.');
  }
  return undefined;
}
