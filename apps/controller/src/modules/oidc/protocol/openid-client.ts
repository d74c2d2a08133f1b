import { z } from 'zod';
import { type IdentityClaims, judgedClaims } from './id-token.js';
import { JsonWebKeySet } from './json-web-key-set.js';
import { verifiedPayload } from './json-web-signature.js';
import { codeChallenge, type LoginAttempt } from './login-attempt.js';
import { ProviderFailure } from './provider-failure.js';
import { metadataUrl, type ProviderMetadata, parseMetadata } from './provider-metadata.js';
import { askProvider } from './provider-request.js';

/** Who we are to the provider. */
export interface ClientRegistration {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

/** Asks the provider about itself (OpenID Connect Discovery 1.0 section 4). Throws ProviderFailure. */
export async function discoverProvider(issuer: string): Promise<ProviderMetadata> {
  const answer = await askProvider(metadataUrl(issuer));
  if (answer.status !== 200)
    throw new ProviderFailure('status', `the provider has no metadata: status ${answer.status}`);
  try {
    return parseMetadata(answer.body, issuer);
  } catch (error) {
    throw new ProviderFailure('unusable', error instanceof Error ? error.message : String(error));
  }
}

/** Where the browser goes to log in (OpenID Connect Core 1.0 section 3.1.2.1, RFC 7636 section 4.3). */
export function authorizationUrl(client: ClientRegistration, metadata: ProviderMetadata, attempt: LoginAttempt): URL {
  const url = new URL(metadata.authorizationEndpoint);
  const parameters = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: client.scopes.join(' '),
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: codeChallenge(attempt.codeVerifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

/**
 * Who it is that has a code of the provider. The keys are fetched for each login: one that the provider has replaced is known at once,
 * and one that it has withdrawn is good for nothing any more. Throws ProviderFailure or TokenRefusal.
 */
export async function redeemCode(
  client: ClientRegistration,
  metadata: ProviderMetadata,
  attempt: LoginAttempt,
  code: string,
  now: () => Date,
): Promise<IdentityClaims> {
  const token = await idTokenFor(client, metadata, attempt, code);
  const keys = await keysOf(metadata);
  const payload = verifiedPayload(token, metadata.signatureAlgorithms, keys);
  const { issuer, clientId } = client;
  return judgedClaims(payload, { issuer, clientId, nonce: attempt.nonce, now: now() });
}

/** OpenID Connect Core 1.0 section 3.1.3. */
async function idTokenFor(
  client: ClientRegistration,
  metadata: ProviderMetadata,
  { codeVerifier }: LoginAttempt,
  code: string,
): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirectUri,
    code_verifier: codeVerifier,
  });
  const basic = metadata.clientAuthentication === 'client_secret_basic';
  if (!basic) {
    body.set('client_id', client.clientId);
    body.set('client_secret', client.clientSecret);
  }
  const answer = await askProvider(metadata.tokenEndpoint, {
    body,
    authorization: basic ? basicOf(client) : undefined,
  });
  if (answer.status !== 200) throw tokenEndpointFailure(answer.status, answer.body);
  const parsed = TokenResponse.safeParse(answer.body);
  if (!parsed.success) throw new ProviderFailure('unusable', 'the token endpoint answers without an ID Token');
  return parsed.data.id_token;
}

/** RFC 6749 section 5.2. */
function tokenEndpointFailure(status: number, body: unknown): ProviderFailure {
  const error = TokenError.safeParse(body).data?.error;
  if (error === 'invalid_grant') {
    return new ProviderFailure('code', 'the provider does not know the code, or it was used already');
  }
  const said = error === undefined ? '' : ` and ${JSON.stringify(error)}`;
  const advice = error === 'invalid_client' ? ': look at WEFT_OIDC_CLIENT_ID and WEFT_OIDC_CLIENT_SECRET_FILE' : '';
  return new ProviderFailure('status', `the token endpoint answers with status ${status}${said}${advice}`);
}

async function keysOf({ keysEndpoint }: ProviderMetadata): Promise<JsonWebKeySet> {
  const answer = await askProvider(keysEndpoint);
  const keys = answer.status === 200 ? JsonWebKeySet.safeParse(answer.body).data : undefined;
  if (keys === undefined) throw new ProviderFailure('unusable', `the provider has no keys: status ${answer.status}`);
  return keys;
}

/** RFC 6749 section 2.3.1: both are form-encoded before they are joined. */
function basicOf({ clientId, clientSecret }: ClientRegistration): string {
  const [id, secret] = [clientId, clientSecret].map((text) => new URLSearchParams({ '': text }).toString().slice(1));
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

/** Section 3.1.3.3; what else there is, an access token above all, is not used. */
const TokenResponse = z.object({ token_type: z.string().regex(/^bearer$/i), id_token: z.string().min(1) });
const TokenError = z.object({ error: z.string().max(100) });
