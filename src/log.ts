import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { findCardNumbers } from './domain/card-numbers.ts';

type LogOptions = { readonly name: string; readonly level: NonNullable<LoggerOptions['level']> };

const maxLine = 16_384;
const maxText = 1_000;
const maxDepth = 4;
const gone = '[redacted]';

const secretNames = [
  'password',
  'newPassword',
  'currentPassword',
  'secret',
  'token',
  'authorization',
  'cookie',
  'apiKey',
  'serverKey',
  'clientKey',
  // What an HTTP client was called with, and by whom: keys stand in it.
  'headers',
  'config',
];
const secretPaths = ['', '*.', '*.*.'].flatMap((path) => secretNames.map((name) => path + name));

const name =
  '\\w{0,40}(?:password|secret|token|authorization|cookie|(?:server|client|api|private|signature)_?key)\\w{0,40}';

/** Whatever else looks like a secret, wherever in a line it stands. */
const secrets: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`("${name}":")(?:[^"\\\\]|\\\\.)+"`, 'gi'), `$1${gone}"`],
  // JSON inside of a text.
  [new RegExp(`(\\\\"${name}\\\\+"\\s?:\\s?\\\\+")[^"\\\\]+`, 'gi'), `$1${gone}`],
  [/\b((?:set-)?cookie|(?:proxy-)?authorization)(: ?|=)[^"\\]+/gi, `$1$2${gone}`],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, `$1 ${gone}`],
  [/\b([sp]k_(?:live|test)_)\w{5,}/g, `$1${gone}`],
  [/\b((?:SB-)?Mid-(?:server|client)-)[\w-]+/g, `$1${gone}`],
  [/\b(whsec_)[\w+/=-]+/g, `$1${gone}`],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, gone],
  [/\b([a-z][a-z\d+.-]{0,20}:\/\/)[^\s/@"\\]{1,300}@/gi, `$1${gone}@`],
  [/\b((?:kassa_\w{1,40}|session\w{0,40}|password|secret|token)=)[^\s;&"\\]+/gi, `$1${gone}`],
];

/** Lines break, or run backwards, at these in some viewers; JSON leaves them as they are. */
const breaks = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * The log of a process: one JSON object a line, whatever is logged, of at most 16 kB, without
 * secrets and card numbers. The rules of `redact` are for what is known to be secret; the last
 * scrub is for what somebody forgot.
 */
export function createLog({ name, level }: LogOptions, stream?: DestinationStream): Logger {
  const options: LoggerOptions = {
    name,
    level,
    redact: { paths: secretPaths, censor: gone },
    serializers: { err: (error: unknown) => describe(error) },
    formatters: { log: withErrors },
    hooks: { streamWrite: scrub },
  };
  return stream ? pino(options, stream) : pino(options);
}

function scrub(line: string): string {
  let text = line.length > maxLine ? shorten(line) : line;
  for (const [pattern, replacement] of secrets) text = text.replace(pattern, replacement);
  for (const { text: number } of findCardNumbers(text)) text = withoutNumber(text, number);
  return text.replace(breaks, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As a member of its own it is a number, which has to remain one. */
function withoutNumber(line: string, number: string): string {
  return line.replaceAll(number, (_found, at: number) =>
    /[:,[]/.test(line[at - 1] ?? '') ? '0' : gone,
  );
}

/** A line whose texts are cut, or only its head when that is not enough. */
function shorten(line: string): string {
  const cut = (_key: string, value: unknown) =>
    typeof value === 'string' && value.length > maxText ? `${value.slice(0, maxText)}…` : value;
  const entry: Record<string, unknown> = JSON.parse(line, cut);
  const text = JSON.stringify(entry);
  if (text.length < maxLine) return `${text}\n`;
  const { level, time, pid, hostname, name: log, requestId, code, msg } = entry;
  const head = { level, time, pid, hostname, name: log, requestId, code, msg, isCut: true };
  return `${JSON.stringify(head)}\n`;
}

/**
 * Describes errors wherever they are, not only under `err`: by themselves they would show all that
 * hangs on them. What is no plain object or list is left to its serializer.
 */
function withErrors(entry: object): Record<string, unknown> {
  const members = Object.entries(entry).map(([key, value]) => [key, describeIn(value, 1)]);
  return Object.fromEntries(members);
}

function describeIn(value: unknown, depth: number): unknown {
  if (value instanceof Error) return describe(value);
  if (typeof value !== 'object' || value === null || depth > maxDepth) return value;
  if (Array.isArray(value)) return value.map((item) => describeIn(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const members = Object.entries(value).map(([key, member]) => [
    key,
    describeIn(member, depth + 1),
  ]);
  return Object.fromEntries(members);
}

const maxCauses = 5;
const shownMembers = [
  'code',
  'kind',
  'status',
  'constraint',
  'table',
  'severity',
  'syscall',
  'messages',
];

/**
 * What is known to be safe of an error. The rest stays out: an HTTP client's error holds the
 * request with its keys, and PostgreSQL's the row with what a shopper entered.
 */
function describe(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const shown = shownMembers.flatMap((key) => {
    const value: unknown = Reflect.get(error, key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...Object.fromEntries(shown),
    ...(error.cause !== undefined &&
      depth < maxCauses && { cause: describe(error.cause, depth + 1) }),
    ...(error instanceof AggregateError && {
      errors: error.errors.slice(0, maxCauses).map((each) => describe(each, maxCauses)),
    }),
  };
}
