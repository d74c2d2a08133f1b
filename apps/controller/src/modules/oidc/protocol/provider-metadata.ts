import { z } from 'zod';

/** Where a provider takes what, and how it signs: what of OpenID Connect Discovery 1.0 section 3 a login needs. */
export interface ProviderMetadata {
  readonly issuer: string;
  readonly authorizationEndpoint: URL;
  readonly tokenEndpoint: URL;
  readonly keysEndpoint: URL;
  readonly signatureAlgorithms: readonly string[];
  readonly clientAuthentication: ClientAuthentication;
  /** RFC 9207: whether each answer of the authorization endpoint names its issuer. */
  readonly namesIssuer: boolean;
}

/** OpenID Connect Core 1.0 section 9. */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post';

/** Where the metadata of an issuer are: "/.well-known/openid-configuration" behind its path (Discovery section 4). */
export function metadataUrl(issuer: string): URL {
  return new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
}

/** Throws an Error that says what the provider should say instead. */
export function parseMetadata(document: unknown, issuer: string): ProviderMetadata {
  const parsed = Metadata.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`its metadata: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const metadata = parsed.data;
  // Section 4.3: "The issuer value returned MUST be identical to the Issuer URL that was used as the prefix".
  if (metadata.issuer !== issuer) {
    throw new Error(`it calls itself ${JSON.stringify(metadata.issuer)}; WEFT_OIDC_ISSUER has to be exactly that`);
  }
  if (!(metadata.code_challenge_methods_supported ?? ['S256']).includes('S256')) {
    throw new Error('it does not take PKCE with S256 (RFC 7636)');
  }
  const ways = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const clientAuthentication = WAYS.find((way) => ways.includes(way));
  if (clientAuthentication === undefined) throw new Error(`it takes no client secret, but ${ways.join(', ')}`);
  return {
    issuer,
    authorizationEndpoint: secureUrl(metadata.authorization_endpoint),
    tokenEndpoint: secureUrl(metadata.token_endpoint),
    keysEndpoint: secureUrl(metadata.jwks_uri),
    signatureAlgorithms: metadata.id_token_signing_alg_values_supported,
    clientAuthentication,
    namesIssuer: metadata.authorization_response_iss_parameter_supported ?? false,
  };
}

/**
 * A URL by which nobody on the way can read or change anything: https, or http to this machine, where a provider may run beside the
 * controller. Throws an Error that says so.
 */
export function secureUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (url === undefined || !secure || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new Error(`${JSON.stringify(text)} must be a https URL (http only to 127.0.0.1, [::1] or localhost)`);
  }
  return url;
}

const Endpoint = z.string().min(1).max(2000);
const Names = z.array(z.string().max(200)).max(100);

const Metadata = z.object({
  issuer: Endpoint,
  authorization_endpoint: Endpoint,
  token_endpoint: Endpoint,
  jwks_uri: Endpoint,
  id_token_signing_alg_values_supported: Names,
  token_endpoint_auth_methods_supported: Names.optional(),
  code_challenge_methods_supported: Names.optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
});

const WAYS: readonly ClientAuthentication[] = ['client_secret_basic', 'client_secret_post'];
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);
