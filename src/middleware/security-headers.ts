import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

type Handler = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

const twoYearsSeconds = 63_072_000;

/** No answer of the API is a page; opened as one, it may do nothing. */
const apiPolicy = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** Our own pages: everything from here, nothing inline, in nobody's frame. */
const pagePolicy = {
  ...apiPolicy,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  formAction: ["'self'"],
  objectSrc: ["'none'"],
};

const noFeatures = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'usb',
]
  .map((feature) => `${feature}=()`)
  .join(', ');

/**
 * The headers of every answer, refusals and Node's own included. A page of ours sets another
 * content policy by `allowOwnPage`, and what may be kept another `Cache-Control`.
 */
export function secureAnswers({ isHttps }: { readonly isHttps: boolean }): Handler {
  const protect = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: apiPolicy },
    strictTransportSecurity: isHttps && { maxAge: twoYearsSeconds, includeSubDomains: true },
    xFrameOptions: { action: 'deny' },
  });
  return (req, res, next) => {
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Permissions-Policy', noFeatures);
    protect(req, res, next);
  };
}

export const allowOwnPage: Handler = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: pagePolicy,
});
