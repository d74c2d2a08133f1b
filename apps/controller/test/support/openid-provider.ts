import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Claims = Readonly<Record<string, unknown>>;

/** What of its answers is to be otherwise than it should be. */
export interface Misbehaviour {
  /** Of the ID Token. */
  claims?: (claims: Claims) => Claims;
  /** Instead of the ID Token. */
  token?: (claims: Claims, signed: (claims: Claims) => string) => string;
  /** Instead of its metadata. */
  metadata?: (metadata: Claims) => Claims;
  /** Instead of what it answers at this path. */
  answers?: Readonly<Record<string, (response: ServerResponse) => void>>;
}

/** A signing key and its public half as the provider shows it. */
export interface ProviderKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/**
 * A small OpenID provider (OpenID Connect Core 1.0, authorization code flow with PKCE) that lets in whoever comes, as the person it is
 * told, without a question. It is strict with its client, and gives wrong answers when a test says so.
 */
export class OpenIdProvider {
  readonly issuer: string;
  readonly clientId = 'weft controller';
  readonly clientSecret = randomBytes(16).toString('base64url');
  /** Claims of who logs in next. */
  person: Claims = { sub: 'nobody' };
  misbehaviour: Misbehaviour = {};
  keys: ProviderKey[] = [makeKey()];
  /** Every code that it gave, with what belongs to it. */
  readonly #codes = new Map<string, { readonly query: URLSearchParams; readonly person: Claims }>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realm`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response));
  }

  static async start(): Promise<OpenIdProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new OpenIdProvider(server);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** The signing key is another from now on, and the one before is shown no more. */
  rotateKey(): void {
    this.keys = [makeKey()];
  }

  /** An ID Token signed with this key. */
  sign(claims: Claims, key = this.keys[0], header: Claims = {}): string {
    if (key === undefined) throw new Error('the provider has no key');
    const signed = `${encode({ alg: 'RS256', kid: key.kid, ...header })}.${encode(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), key.privateKey).toString('base64url')}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // On a busy machine it might close a connection at the moment at which the controller uses it again.
    response.shouldKeepAlive = false;
    const url = new URL(request.url ?? '/', this.issuer);
    const path = url.pathname.replace('/realm', '');
    const otherwise = this.misbehaviour.answers?.[path];
    if (otherwise !== undefined) return otherwise(response);
    if (path === '/.well-known/openid-configuration') return json(response, 200, this.#metadata());
    if (path === '/keys') return json(response, 200, { keys: this.keys.map(publicJwk) });
    if (path === '/authorize') return this.#authorize(url.searchParams, response);
    if (path === '/token' && request.method === 'POST') return this.#token(request, response);
    return json(response, 404, { error: 'not_found' });
  }

  #metadata(): Claims {
    const metadata = {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    };
    return this.misbehaviour.metadata?.(metadata) ?? metadata;
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    const good =
      query.get('response_type') === 'code' &&
      query.get('client_id') === this.clientId &&
      query.get('code_challenge_method') === 'S256' &&
      query.get('scope')?.split(' ').includes('openid') === true &&
      ['state', 'nonce', 'code_challenge', 'redirect_uri'].every((name) => query.has(name));
    if (!good) {
      json(response, 400, { error: 'invalid_request' });
      return;
    }
    const code = randomBytes(16).toString('base64url');
    this.#codes.set(code, { query, person: this.person });
    const back = new URL(query.get('redirect_uri') ?? '');
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state') ?? '');
    back.searchParams.set('iss', this.issuer);
    response.writeHead(302, { location: back.href }).end();
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const basic = `${encodeURIComponent(this.clientId).replaceAll('%20', '+')}:${this.clientSecret}`;
    if (request.headers.authorization !== `Basic ${Buffer.from(basic).toString('base64')}`) {
      return json(response, 401, { error: 'invalid_client' });
    }
    const code = form.get('code') ?? '';
    const given = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (
      given === undefined ||
      form.get('grant_type') !== 'authorization_code' ||
      form.get('redirect_uri') !== given.query.get('redirect_uri') ||
      challenge !== given.query.get('code_challenge')
    ) {
      return json(response, 400, { error: 'invalid_grant' });
    }
    const claims = this.#claims(given.query.get('nonce'), given.person);
    const token = this.misbehaviour.token?.(claims, (other) => this.sign(other)) ?? this.sign(claims);
    json(response, 200, { access_token: randomBytes(16).toString('hex'), token_type: 'Bearer', id_token: token });
  }

  #claims(nonce: string | null, person: Claims): Claims {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, aud: this.clientId, iat: now, exp: now + 300, nonce, ...person };
    return this.misbehaviour.claims?.(claims) ?? claims;
  }
}

export function makeKey(): ProviderKey {
  return { kid: randomBytes(8).toString('hex'), ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

function publicJwk({ kid, publicKey }: ProviderKey): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
