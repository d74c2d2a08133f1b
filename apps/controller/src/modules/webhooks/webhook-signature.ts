import { createHmac } from 'node:crypto';

/**
 * Headers of a delivery, as Standard Webhooks 1.0.0 says: "the signature scheme is HMAC-SHA256 over the identifier, the timestamp and the
 * body, joined by full stops". The identifier is signed too, so that nobody makes a second delivery of one. Several signatures are
 * "space delimited": the receiver takes a delivery when one of them is good.
 *
 * @param secrets the octets behind `whsec_` of each that is in force
 * @param body exactly what is sent
 */
export function signedHeaders(
  { id, at }: { readonly id: string; readonly at: Date },
  body: string,
  secrets: readonly Uint8Array[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

/** The secret as receivers configure it. */
export function formatWebhookSecret(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString('base64')}`;
}

/** Standard Webhooks asks for 24 to 64. */
export const WEBHOOK_SECRET_OCTETS = 32;
