import { BlockList } from 'node:net';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig, unknownVariables } from './parse-config.js';

describe('parseConfig', () => {
  it('has a default for everything', () => {
    expect(parseConfig({})).toMatchObject({
      http: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
      session: { kind: 'tcp', host: '0.0.0.0', port: 8443 },
      enrollment: { kind: 'tcp', host: '0.0.0.0', port: 8444 },
      publicHost: hostname(),
      dataDirectory: '/var/lib/weft-controller',
      adminPassword: undefined,
      consoleDirectory: expect.stringMatching(/apps\/web-console\/dist$/),
      database: { kind: 'embedded' },
      logLevel: 'info',
      statusIntervalMilliseconds: 1000,
      edgeCertificateMilliseconds: 14 * 24 * 3_600_000,
      oidc: undefined,
    });
  });

  it('reads every variable', () => {
    const config = parseConfig({
      WEFT_HTTP_LISTEN: 'unix:/run/weft/http.sock',
      WEFT_SESSION_LISTEN: '[::]:9443',
      WEFT_ENROLLMENT_LISTEN: 'controller.example:0',
      WEFT_METRICS_LISTEN: '127.0.0.1:9912',
      WEFT_PUBLIC_HOST: '[2001:db8::1]',
      WEFT_DATA_DIR: '/srv/weft/',
      WEFT_ADMIN_PASSWORD: 'twelve or more',
      WEFT_CONSOLE_DIR: '/usr/share/weft/console',
      WEFT_LOG_LEVEL: 'debug',
      WEFT_WEBHOOK_NETWORKS: '10.9.0.0/16, fd00::/8',
      WEFT_STATUS_INTERVAL_MS: '250',
      WEFT_EDGE_CERTIFICATE_HOURS: '24',
      ...OIDC,
      WEFT_OIDC_SCOPES: 'openid profile groups',
      WEFT_OIDC_DISPLAY_NAME: 'Example ID',
      WEFT_OIDC_NAME_CLAIM: 'name',
      WEFT_OIDC_ROLE_CLAIM: 'https://weft.example/roles',
      WEFT_OIDC_PROVIDER_ROLES: 'root=admin',
      WEFT_REVOCATION_LIST_URL: 'http://weft.example/list.crl',
      PG_BIN_DIR: '/usr/lib/postgresql/15/bin',
    });
    expect(config).toEqual({
      http: { kind: 'unix', path: '/run/weft/http.sock' },
      session: { kind: 'tcp', host: '::', port: 9443 },
      enrollment: { kind: 'tcp', host: 'controller.example', port: 0 },
      metrics: { kind: 'tcp', host: '127.0.0.1', port: 9912 },
      publicHost: '2001:db8::1',
      dataDirectory: '/srv/weft',
      adminPassword: 'twelve or more',
      consoleDirectory: '/usr/share/weft/console',
      database: { kind: 'binaries', directory: '/usr/lib/postgresql/15/bin' },
      logLevel: 'debug',
      webhookNetworks: expect.any(BlockList),
      statusIntervalMilliseconds: 250,
      edgeCertificateMilliseconds: 24 * 3_600_000,
      oidc: {
        issuer: 'https://id.example/realm',
        clientId: 'weft',
        clientSecretFile: '/run/secrets/oidc',
        redirectUri: new URL('https://weft.example/api/v1/session/oidc/callback'),
        scopes: ['openid', 'profile', 'groups'],
        displayName: 'Example ID',
        nameClaim: 'name',
        roleClaim: 'https://weft.example/roles',
        roles: [
          { value: 'net', role: 'operator', tenant: 'default' },
          { value: 'CN=admins,OU=a@b=c', role: 'admin', tenant: 'big customer' },
        ],
        providerRoles: [{ value: 'root', role: 'admin' }],
      },
      revocationListUrl: 'http://weft.example/list.crl',
    });
    const listed = (address: string, family: 'ipv4' | 'ipv6') => config.webhookNetworks.check(address, family);
    expect([listed('10.9.7.7', 'ipv4'), listed('fd00:1::1', 'ipv6')]).toEqual([true, true]);
    expect([listed('10.8.7.7', 'ipv4'), listed('fe80::1', 'ipv6')]).toEqual([false, false]);
    expect(parseConfig({}).webhookNetworks.check('127.0.0.1')).toBe(false);
  });

  it('prefers DATABASE_URL, and takes an empty variable for an absent one', () => {
    const url = 'postgres://weft@db/weft';
    expect(parseConfig({ DATABASE_URL: url, PG_BIN_DIR: '/bin' }).database).toEqual({ kind: 'url', url });
    expect(parseConfig({ DATABASE_URL: ' ', PG_BIN_DIR: '' }).database).toEqual({ kind: 'embedded' });
  });

  it('has defaults for what an OpenID provider rarely needs otherwise', () => {
    expect(parseConfig(OIDC).oidc).toMatchObject({
      scopes: ['openid', 'profile'],
      displayName: 'id.example',
      nameClaim: 'preferred_username',
      roleClaim: 'groups',
      providerRoles: [],
    });
  });

  it('names what an OpenID provider needs and does not have', () => {
    expect(problemsOf({ WEFT_OIDC_DISPLAY_NAME: 'Example ID' })).toEqual(Object.keys(OIDC));
    for (const variable of Object.keys(OIDC)) expect(problemsOf({ ...OIDC, [variable]: '' })).toEqual([variable]);
  });

  it.each([
    ['WEFT_OIDC_ISSUER', 'http://id.example'],
    ['WEFT_OIDC_ISSUER', 'https://id.example/?realm=1'],
    ['WEFT_OIDC_ISSUER', 'id.example'],
    ['WEFT_OIDC_CLIENT_ID', 'x'.repeat(201)],
    ['WEFT_OIDC_CLIENT_SECRET_FILE', 'secret'],
    ['WEFT_OIDC_REDIRECT_URI', 'https://weft.example/'],
    ['WEFT_OIDC_REDIRECT_URI', 'http://weft.example/api/v1/session/oidc/callback'],
    ['WEFT_OIDC_REDIRECT_URI', 'https://weft.example/api/v1/session/oidc/callback?x'],
    ['WEFT_OIDC_SCOPES', 'profile'],
    ['WEFT_OIDC_SCOPES', 'openid "'],
    ['WEFT_OIDC_DISPLAY_NAME', 'x'.repeat(51)],
    ['WEFT_OIDC_ROLES', 'net=operator'],
    ['WEFT_OIDC_ROLES', 'net=owner@default'],
    ['WEFT_OIDC_ROLES', '=admin@default'],
    ['WEFT_OIDC_ROLES', 'net=admin@'],
    ['WEFT_OIDC_PROVIDER_ROLES', 'root=admin@default'],
    ['WEFT_OIDC_PROVIDER_ROLES', 'root'],
  ])('names %s of an OpenID provider when it is %j', (variable, value) => {
    expect(problemsOf({ ...OIDC, [variable]: value })).toEqual([variable]);
  });

  it.each([
    ['WEFT_HTTP_LISTEN', '8080'],
    ['WEFT_HTTP_LISTEN', 'unix:run/http.sock'],
    ['WEFT_HTTP_LISTEN', `unix:/${'x'.repeat(107)}`],
    ['WEFT_SESSION_LISTEN', 'unix:/run/session.sock'],
    ['WEFT_SESSION_LISTEN', '0.0.0.0:65536'],
    ['WEFT_ENROLLMENT_LISTEN', '::1:8444'],
    ['WEFT_ENROLLMENT_LISTEN', '256.1.1.1:8444'],
    ['WEFT_PUBLIC_HOST', 'https://controller'],
    ['WEFT_PUBLIC_HOST', '10.0.0'],
    ['WEFT_DATA_DIR', 'data'],
    ['WEFT_ADMIN_PASSWORD', 'short'],
    ['WEFT_LOG_LEVEL', 'loud'],
    ['WEFT_WEBHOOK_NETWORKS', '10.0.0.1'],
    ['WEFT_WEBHOOK_NETWORKS', '10.0.0.0/33'],
    ['WEFT_WEBHOOK_NETWORKS', 'office.example/24'],
    ['WEFT_WEBHOOK_NETWORKS', '10.0.0.0/8,'],
    ['WEFT_STATUS_INTERVAL_MS', '1s'],
    ['WEFT_STATUS_INTERVAL_MS', '99'],
    ['WEFT_REVOCATION_LIST_URL', 'https://weft.example/list.crl'],
    ['WEFT_REVOCATION_LIST_URL', 'weft.example'],
    ['WEFT_EDGE_CERTIFICATE_HOURS', '0'],
    ['WEFT_EDGE_CERTIFICATE_HOURS', '8761'],
    ['WEFT_EDGE_CERTIFICATE_HOURS', '1.5'],
    ['DATABASE_URL', 'http://db'],
    ['DATABASE_URL', 'db'],
    ['PG_BIN_DIR', 'bin'],
  ])('names %s when it is %j', (variable, value) => {
    expect(problemsOf({ [variable]: value })).toEqual([variable]);
  });

  it('names all that is wrong at once and never repeats a password', () => {
    const environment = { WEFT_ADMIN_PASSWORD: 'hunter2', DATABASE_URL: 'nonsense:hunter2', WEFT_LOG_LEVEL: 'loud' };
    expect(problemsOf(environment)).toEqual(['WEFT_ADMIN_PASSWORD', 'WEFT_LOG_LEVEL', 'DATABASE_URL']);
    expect(() => parseConfig(environment)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('unknownVariables', () => {
  it('finds what looks like ours and is not', () => {
    expect(unknownVariables({ WEFT_HTTP_LISTN: 'x', WEFT_HTTP_LISTEN: 'x', PATH: 'x' })).toEqual(['WEFT_HTTP_LISTN']);
  });
});

const OIDC = {
  WEFT_OIDC_ISSUER: 'https://id.example/realm',
  WEFT_OIDC_CLIENT_ID: 'weft',
  WEFT_OIDC_CLIENT_SECRET_FILE: '/run/secrets/oidc',
  WEFT_OIDC_REDIRECT_URI: 'https://weft.example/api/v1/session/oidc/callback',
  WEFT_OIDC_ROLES: 'net=operator@default; CN=admins,OU=a@b=c=admin@big customer',
};

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable }) => variable);
    throw error;
  }
  return [];
}
