/**
 * What the rest of Kassa knows of mail. Addresses are always objects: in a text, a comma in a name
 * would make a second recipient of what follows it.
 */
export type MailAddress = { readonly name: string; readonly address: string };

export type MailMessage = {
  readonly from: MailAddress;
  readonly replyTo?: { readonly name?: string | undefined; readonly address: string } | undefined;
  readonly to: MailAddress;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Made from our own id, so that a mail sent twice after a lost answer is known as one. */
  readonly messageId: string;
};

export type Mailer = {
  send(message: MailMessage): Promise<{ messageId: string }>;
  /** Lets what is being sent end, then drops the connections; a send after it fails. */
  close(): void;
};

export type MailErrorDetails = {
  readonly code: string;
  readonly retryable: boolean;
  readonly responseCode?: number | undefined;
};

/**
 * A mail that was not, or perhaps not, taken. It never carries the error it was made from: that one
 * holds the server's own words, and some servers repeat the login in them.
 */
export class MailError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly responseCode: number | undefined;

  constructor(message: string, { code, retryable, responseCode }: MailErrorDetails) {
    super(message);
    this.name = 'MailError';
    this.code = code;
    this.retryable = retryable;
    this.responseCode = responseCode;
  }
}
