import type { Request } from 'express';
import type { SessionOrigin } from './sessions.repository.js';

/** From where somebody logs in, within what the table takes. */
export function originOf(request: Request): SessionOrigin {
  const userAgent = request.get('User-Agent')?.slice(0, USER_AGENT_MAXIMUM) ?? '';
  const address = request.ip?.slice(0, ADDRESS_MAXIMUM) ?? '';
  return { address: address === '' ? 'unix' : address, userAgent: userAgent === '' ? null : userAgent };
}

/** The constraints of the table. */
const ADDRESS_MAXIMUM = 100;
const USER_AGENT_MAXIMUM = 300;
