import { describe, expect, it } from 'vitest';
import { metadataUrl, parseMetadata, secureUrl } from './provider-metadata.js';

const ISSUER = 'https://id.example/realm';
const GOOD = {
  issuer: ISSUER,
  authorization_endpoint: 'https://id.example/authorize?tenant=1',
  token_endpoint: 'https://token.example/token',
  jwks_uri: 'https://keys.example/keys',
  id_token_signing_alg_values_supported: ['RS256', 'none'],
};

describe('the metadata of a provider', () => {
  it('are behind the path of the issuer', () => {
    expect(metadataUrl(ISSUER).href).toBe('https://id.example/realm/.well-known/openid-configuration');
    expect(metadataUrl('https://id.example/').href).toBe('https://id.example/.well-known/openid-configuration');
  });

  it('say where what is, and how to show who we are', () => {
    expect(parseMetadata(GOOD, ISSUER)).toMatchObject({
      clientAuthentication: 'client_secret_basic',
      namesIssuer: false,
    });
    const post = { ...GOOD, token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_post'] };
    expect(parseMetadata(post, ISSUER)).toMatchObject({ clientAuthentication: 'client_secret_post' });
  });

  it.each([
    [{ issuer: 'https://id.example' }, 'WEFT_OIDC_ISSUER'],
    [{ token_endpoint: 'http://token.example/token' }, 'https'],
    [{ jwks_uri: 'file:///etc/keys' }, 'https'],
    [{ authorization_endpoint: 'https://user:word@id.example/' }, 'https'],
    [{ code_challenge_methods_supported: ['plain'] }, 'PKCE'],
    [{ token_endpoint_auth_methods_supported: ['private_key_jwt'] }, 'private_key_jwt'],
    [{ id_token_signing_alg_values_supported: undefined }, 'id_token_signing_alg_values_supported'],
  ])('cannot be used with %j', (change, text) => {
    expect(() => parseMetadata({ ...GOOD, ...change }, ISSUER)).toThrow(text);
  });
});

describe('secureUrl', () => {
  it.each(['https://id.example', 'http://127.0.0.1:8080/x', 'http://[::1]/', 'http://localhost:1'])(
    'takes %s',
    (text) => {
      expect(secureUrl(text)).toEqual(new URL(text));
    },
  );

  it.each(['http://id.example', 'http://127.0.0.1.example/', 'ftp://localhost', 'id.example', '', 'https://x/#y'])(
    'refuses %j',
    (text) => {
      expect(() => secureUrl(text)).toThrow('must be a https URL');
    },
  );
});
