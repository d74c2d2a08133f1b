import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { z } from 'zod';
import { ControllerConfig } from '../../config/controller-config.js';
import type { OidcConfig } from '../../config/oidc-config.js';
import { Clock } from '../../platform/clock/clock.js';
import { AttemptLimiter } from '../../platform/limits/attempt-limiter.js';
import { InjectLogger } from '../../platform/logging/logger.js';
import { SecretBox } from '../../platform/secrets/secret-box.js';
import { SessionService } from '../session/session.service.js';
import type { SessionOrigin } from '../session/sessions.repository.js';
import { type LoginTicket, parseTicket, ticketText } from './login-ticket.js';
import type { LoginMethods } from './oidc.dto.js';
import { oidcNotConfigured } from './oidc.errors.js';
import { OidcProvider } from './oidc-provider.js';
import { OidcRefusal } from './oidc-refusal.js';
import { OidcUsers } from './oidc-users.js';
import type { IdentityClaims } from './protocol/id-token.js';
import { attemptOf, makeAttemptSecret } from './protocol/login-attempt.js';
import { ProviderFailure } from './protocol/provider-failure.js';
import { TokenRefusal } from './protocol/token-refusal.js';
import { grantedRoles } from './role-mapping.js';

/** A login that has begun: where the browser goes, and what it brings back. */
export interface BegunLogin {
  readonly url: URL;
  readonly ticket: string;
  readonly lifeMilliseconds: number;
}

/** Logins at the OpenID provider (OpenID Connect Core 1.0 section 3.1: authorization code flow, with PKCE). */
@Injectable()
export class OidcLogin {
  readonly #config: OidcConfig | undefined;
  readonly #clock: Clock;
  readonly #secrets: SecretBox;
  readonly #provider: OidcProvider;
  readonly #users: OidcUsers;
  readonly #sessions: SessionService;
  readonly #logger: Logger;
  /** By address: each attempt asks the provider something. */
  readonly #attempts = new AttemptLimiter({ burst: 30, intervalMilliseconds: 2_000, capacity: 10_000 });
  #underWay = 0;

  constructor(
    config: ControllerConfig,
    clock: Clock,
    secrets: SecretBox,
    provider: OidcProvider,
    users: OidcUsers,
    sessions: SessionService,
    @InjectLogger() logger: Logger,
  ) {
    this.#config = config.oidc;
    this.#clock = clock;
    this.#secrets = secrets;
    this.#provider = provider;
    this.#users = users;
    this.#sessions = sessions;
    this.#logger = logger.child({ component: 'oidc' });
  }

  get methods(): LoginMethods {
    return { oidc: this.#config === undefined ? null : { displayName: this.#config.displayName } };
  }

  /** Throws DomainError 'oidc_not_configured', or OidcRefusal 'provider_unavailable' or 'too_many_attempts'. */
  begin(next: string, { address }: SessionOrigin): Promise<BegunLogin> {
    this.#require();
    return this.#refusing(address, async () => {
      const secret = makeAttemptSecret();
      const url = await this.#provider.authorizationUrl(secret);
      const expiresAt = new Date(this.#clock.now().getTime() + LIFE_MILLISECONDS);
      const ticket = ticketText({ secret, expiresAt, next }, (content) => this.#secrets.sign(PURPOSE, content));
      return { url, ticket, lifeMilliseconds: LIFE_MILLISECONDS };
    });
  }

  /** The ticket of the browser; undefined when it has none of ours, or its time is over. */
  ticketOf(text: string | undefined): LoginTicket | undefined {
    const signed = (content: string, signature: Buffer) => this.#secrets.isSigned(PURPOSE, content, signature);
    const ticket = text === undefined ? undefined : parseTicket(text, signed);
    return ticket !== undefined && ticket.expiresAt > this.#clock.now() ? ticket : undefined;
  }

  /**
   * The secret of a session that begins. Throws DomainError 'oidc_not_configured', or OidcRefusal; why is in the log.
   *
   * @param answer the query that the provider sent the browser back with
   */
  complete(ticket: LoginTicket | undefined, answer: unknown, origin: SessionOrigin): Promise<string> {
    const config = this.#require();
    return this.#refusing(origin.address, async () => {
      const secret = attemptSecret(ticket, answer);
      const code = await this.#codeOf(answer, config.issuer);
      const { subject, claims } = await this.#redeem(secret, code, origin);
      const user = await this.#users.comeIn({
        identity: { issuer: config.issuer, subject },
        calledBy: claims[config.nameClaim],
        granted: grantedRoles(config, claims),
        origin,
      });
      return this.#sessions.beginFor(user, origin);
    });
  }

  /** RFC 6749 section 4.1.2. Throws OidcRefusal 'refused_by_provider' or 'token_refused'. */
  async #codeOf(answer: unknown, issuer: string): Promise<string> {
    const { code, error, iss } = AuthorizationResponse.parse(answer);
    const { namesIssuer } = await this.#provider.metadata();
    // RFC 9207 section 2.4: before anything else of the answer counts.
    if (iss === undefined ? namesIssuer : iss !== issuer) {
      throw new OidcRefusal('token_refused', 'the answer is of another issuer (RFC 9207)');
    }
    if (code === undefined || error !== undefined) {
      throw new OidcRefusal('refused_by_provider', `the provider says ${JSON.stringify(error ?? 'nothing')}`);
    }
    return code;
  }

  /** What a token that came over an authenticated connection has wrong is worth an entry: somebody may be at work. */
  async #redeem(secret: string, code: string, { address, userAgent }: SessionOrigin): Promise<IdentityClaims> {
    try {
      return await this.#provider.redeem(secret, code);
    } catch (error) {
      if (error instanceof TokenRefusal) {
        await this.#users.recordRefusal({ reason: 'token_refused', fault: error.fault, address, userAgent });
      }
      throw error;
    }
  }

  async #refusing<T>(address: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#inTurn(address, work);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      this.#logger.warn({ address, code: refusal.code, reason: refusal.message }, 'OpenID login refused');
      throw refusal;
    }
  }

  async #inTurn<T>(address: string, work: () => Promise<T>): Promise<T> {
    const wait = this.#attempts.attempt(address, this.#clock.monotonicMilliseconds());
    if (wait > 0) throw new OidcRefusal('too_many_attempts', `the address may come again in ${wait} ms`);
    if (this.#underWay >= UNDER_WAY_MAXIMUM) throw new OidcRefusal('too_many_attempts', 'too many logins at once');
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
    }
  }

  #require(): OidcConfig {
    if (this.#config === undefined) throw oidcNotConfigured();
    return this.#config;
  }
}

/** Of the browser that the answer is for. Throws OidcRefusal 'login_expired': for any other the answer is nothing. */
function attemptSecret(ticket: LoginTicket | undefined, answer: unknown): string {
  const state = AuthorizationResponse.safeParse(answer).data?.state;
  if (ticket === undefined) throw new OidcRefusal('login_expired', 'the browser has begun no login, or too long ago');
  if (state === undefined || !sameText(state, attemptOf(ticket.secret).state)) {
    throw new OidcRefusal('login_expired', 'the answer is not for the login that this browser began last');
  }
  return ticket.secret;
}

function sameText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function refusalOf(error: unknown): OidcRefusal | undefined {
  if (error instanceof OidcRefusal) return error;
  if (error instanceof TokenRefusal) return new OidcRefusal('token_refused', `${error.fault}: ${error.message}`);
  if (!(error instanceof ProviderFailure)) return undefined;
  // A code that was used already: the reader has gone back to this address.
  return new OidcRefusal(error.fault === 'code' ? 'login_expired' : 'provider_unavailable', error.message);
}

/** "The client MUST ignore unrecognized response parameters." What is there twice is nothing. */
const AuthorizationResponse = z.object({
  state: z.string().max(100),
  code: z.string().min(1).max(4000).optional(),
  error: z.string().max(200).optional(),
  iss: z.string().max(2000).optional(),
});

const PURPOSE = 'oidc login';
/** For who has to find their second factor first. */
const LIFE_MILLISECONDS = 10 * 60_000;
/** Each may wait for the provider three times. */
const UNDER_WAY_MAXIMUM = 16;
