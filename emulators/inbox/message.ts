import PostalMime, { type Address } from 'postal-mime';

export type Header = { readonly name: string; readonly value: string };

/** A mail as people and tests want to see it; a part that the mail does not have is ''. */
export type ReadMessage = {
  readonly from: string;
  readonly to: string;
  readonly replyTo: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: readonly Header[];
};

export type Envelope = { readonly from: string; readonly to: readonly string[] };

/**
 * The message with the trace lines that a delivering server puts on top. They are the only place
 * where the envelope shows: a recipient that is in no To header appears as Delivered-To.
 */
export function withTrace(raw: Buffer, envelope: Envelope, receivedAt: Date): Buffer {
  const lines = [
    `Return-Path: <${envelope.from}>`,
    ...envelope.to.map((address) => `Delivered-To: ${address}`),
    `Received: by the Kassa inbox with SMTP; ${receivedAt.toUTCString()}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n`), raw]);
}

export async function readMessage(raw: Buffer): Promise<ReadMessage> {
  const mail = await PostalMime.parse(raw);
  return {
    from: mail.from ? writeAddresses([mail.from]) : '',
    to: writeAddresses(mail.to ?? []),
    replyTo: writeAddresses(mail.replyTo ?? []),
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    html: mail.html ?? '',
    headers: mail.headers.map(({ originalKey, value }) => ({ name: originalKey, value })),
  };
}

function writeAddresses(addresses: readonly Address[]): string {
  return addresses
    .flatMap((address) => address.group ?? [address])
    .map(({ name, address }) => (name ? `${name} <${address}>` : address))
    .join(', ');
}
