import { z } from 'zod';

/** What the browser brings back from the provider, in a cookie that only we can have made. */
export interface LoginTicket {
  /** From which state, nonce and code verifier follow. */
  readonly secret: string;
  readonly expiresAt: Date;
  /** Path of the console where the reader wanted to go. */
  readonly next: string;
}

/** The octets that are signed, and their signature, as the value of a cookie. */
export function ticketText({ secret, expiresAt, next }: LoginTicket, sign: (content: string) => Buffer): string {
  const content = Buffer.from(JSON.stringify([secret, expiresAt.getTime(), next])).toString('base64url');
  return `${content}.${sign(content).toString('base64url')}`;
}

/** Undefined for what we have not made. Whether its time is over is for the caller to say. */
export function parseTicket(
  text: string,
  isSigned: (content: string, signature: Buffer) => boolean,
): LoginTicket | undefined {
  const [content, signature, ...more] = text.length <= TEXT_MAXIMUM ? text.split('.') : [];
  if (content === undefined || signature === undefined || more.length > 0) return undefined;
  if (!isSigned(content, Buffer.from(signature, 'base64url'))) return undefined;
  const [secret, expiresAt, next] = Content.parse(JSON.parse(Buffer.from(content, 'base64url').toString()));
  return { secret, expiresAt: new Date(expiresAt), next };
}

const Content = z.tuple([z.string(), z.number(), z.string()]);
const TEXT_MAXIMUM = 3000;
