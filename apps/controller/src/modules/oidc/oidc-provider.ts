import { readFile } from 'node:fs/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ControllerConfig } from '../../config/controller-config.js';
import type { OidcConfig } from '../../config/oidc-config.js';
import { ConfigError } from '../../config/parse-config.js';
import { Clock } from '../../platform/clock/clock.js';
import type { IdentityClaims } from './protocol/id-token.js';
import { attemptOf } from './protocol/login-attempt.js';
import { authorizationUrl, type ClientRegistration, discoverProvider, redeemCode } from './protocol/openid-client.js';
import type { ProviderMetadata } from './protocol/provider-metadata.js';

/** The OpenID provider of the installation. Its metadata are kept for a while; its keys are not. */
@Injectable()
export class OidcProvider implements OnModuleInit {
  readonly #config: OidcConfig | undefined;
  readonly #clock: Clock;
  #client: ClientRegistration | undefined;
  /** One question for all who wait for its answer. */
  #metadata: { readonly asked: Promise<ProviderMetadata>; readonly at: number } | undefined;

  constructor(config: ControllerConfig, clock: Clock) {
    this.#config = config.oidc;
    this.#clock = clock;
  }

  /** Throws ConfigError when there is no client secret in the file. */
  async onModuleInit(): Promise<void> {
    if (this.#config === undefined) return;
    const { issuer, clientId, redirectUri, scopes, clientSecretFile } = this.#config;
    const clientSecret = await readClientSecret(clientSecretFile);
    this.#client = { issuer, clientId, clientSecret, redirectUri: redirectUri.href, scopes };
  }

  /** Where the browser with this secret goes to log in. Throws ProviderFailure. */
  async authorizationUrl(secret: string): Promise<URL> {
    return authorizationUrl(this.#require(), await this.metadata(), attemptOf(secret));
  }

  /** Who it is that the browser with this secret was given a code for. Throws ProviderFailure or TokenRefusal. */
  async redeem(secret: string, code: string): Promise<IdentityClaims> {
    return redeemCode(this.#require(), await this.metadata(), attemptOf(secret), code, () => this.#clock.now());
  }

  /** Throws ProviderFailure. */
  metadata(): Promise<ProviderMetadata> {
    const now = this.#clock.monotonicMilliseconds();
    if (this.#metadata === undefined || now - this.#metadata.at > METADATA_LIFE_MILLISECONDS) {
      const asked = discoverProvider(this.#require().issuer);
      const kept = { asked, at: now };
      this.#metadata = kept;
      asked.catch(() => {
        if (this.#metadata === kept) this.#metadata = undefined;
      });
    }
    return this.#metadata.asked;
  }

  #require(): ClientRegistration {
    if (this.#client === undefined) throw new Error('there is no OpenID provider');
    return this.#client;
  }
}

async function readClientSecret(path: string): Promise<string> {
  const refuse = (detail: string) => new ConfigError([{ variable: 'WEFT_OIDC_CLIENT_SECRET_FILE', detail }]);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refuse(`${path} cannot be read: ${error.code}`);
  });
  const secret = text.trim();
  if (secret === '' || secret.length > SECRET_MAXIMUM || /\s/.test(secret)) {
    throw refuse(`${path} must hold the client secret and nothing else`);
  }
  return secret;
}

const METADATA_LIFE_MILLISECONDS = 10 * 60_000;
const SECRET_MAXIMUM = 1000;
