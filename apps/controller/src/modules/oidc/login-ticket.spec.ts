import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseTicket, ticketText } from './login-ticket.js';

const TICKET = { secret: 'secret', expiresAt: new Date(1_800_000_000_000), next: '/tunnels' };
const sign = (content: string) => createHmac('sha256', 'key').update(content).digest();
const isSigned = (content: string, signature: Buffer) => sign(content).equals(signature);

describe('a ticket', () => {
  it('is what was made', () => {
    expect(parseTicket(ticketText(TICKET, sign), isSigned)).toEqual(TICKET);
    expect(ticketText(TICKET, sign)).toMatch(/^[\w.-]+$/);
  });

  it('is nothing when anything of it is another', () => {
    const text = ticketText(TICKET, sign);
    const [content, signature = ''] = text.split('.');
    const other = Buffer.from(JSON.stringify(['secret', 9e15, '/'])).toString('base64url');
    for (const bad of [
      '',
      '.',
      `${content}`,
      `${content}.`,
      `${other}.${signature}`,
      `${text}.x`,
      `${text}${'A'.repeat(3000)}`,
    ]) {
      expect(parseTicket(bad, isSigned)).toBeUndefined();
    }
  });
});
