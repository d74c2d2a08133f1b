import type { CookieOptions, Request, Response } from 'express';
import { cookieValue } from '../../platform/http/session-cookie.js';

/**
 * The cookie of a login that is under way. The provider sends the browser back from another site, so that it cannot be SameSite=Strict
 * as that of the session is. With https its name has the prefix __Host-, which no other host and no plain connection can set.
 */
export class LoginCookie {
  readonly #name: string;
  readonly #options: CookieOptions;

  /** @param secure whether browsers reach the controller by https */
  constructor(secure: boolean) {
    this.#name = secure ? '__Host-weft_login' : 'weft_login';
    this.#options = { httpOnly: true, sameSite: 'lax', secure, path: '/' };
  }

  read(request: Request): string | undefined {
    return cookieValue(request, this.#name);
  }

  set(response: Response, value: string, lifeMilliseconds: number): void {
    response.cookie(this.#name, value, { ...this.#options, maxAge: lifeMilliseconds });
  }

  clear(response: Response): void {
    response.clearCookie(this.#name, this.#options);
  }
}
