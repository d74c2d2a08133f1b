import type { CookieOptions, Request, Response } from 'express';

const SESSION_COOKIE = 'weft_session';

/** The session secret that the browser presents; undefined when there is none. */
export function sessionCookie(request: Request): string | undefined {
  return cookieValue(request, SESSION_COOKIE);
}

/** The value of the first cookie with this name. */
export function cookieValue(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const separator = pair.indexOf('=');
    if (pair.slice(0, separator).trim() === name) {
      return pair.slice(separator + 1).trim();
    }
  }
  return undefined;
}

/** Gives the browser the session secret; it lives as long as the browser does, or as the server says, whichever is less. */
export function setSessionCookie(request: Request, response: Response, secret: string): void {
  response.cookie(SESSION_COOKIE, secret, cookieOptions(request));
}

export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(SESSION_COOKIE, cookieOptions(request));
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: 'strict', secure: request.secure, path: '/' };
}
