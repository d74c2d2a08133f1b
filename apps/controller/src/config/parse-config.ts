import { BlockList } from 'node:net';
import { hostname } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PASSWORD_MAXIMUM, PASSWORD_MINIMUM } from '../platform/http/schemas.js';
import { ControllerConfig, type DatabaseSource, LOG_LEVELS } from './controller-config.js';
import { parseHost, parseListenAddress, parseTcpListenAddress } from './listen-address.js';
import {
  type OidcConfig,
  OneLine,
  parseIssuer,
  parseProviderRoles,
  parseRedirectUri,
  parseScopes,
  parseTenantRoles,
} from './oidc-config.js';
import { parseNetworks } from './webhook-networks.js';

/** One variable of the environment that cannot be used. */
export interface ConfigProblem {
  readonly variable: string;
  readonly detail: string;
}

/** The environment does not make a configuration. The message has one line per variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid_configuration';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(({ variable, detail }) => `${variable}: ${detail}`).join('\n'));
  }
}

/**
 * Reads the controller's configuration from environment variables. An empty value counts as absent.
 *
 * @throws ConfigError naming every variable at fault.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): ControllerConfig {
  const present = Object.fromEntries(
    Object.keys(Environment.shape).flatMap((name) => {
      const value = environment[name]?.trim();
      return value === undefined || value === '' ? [] : [[name, value] as const];
    }),
  );
  const parsed = Environment.safeParse(present);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => ({ variable: issue.path.join('.'), detail: issue.message })),
    );
  }
  const values = parsed.data;
  return new ControllerConfig({
    http: values.WEFT_HTTP_LISTEN,
    session: values.WEFT_SESSION_LISTEN,
    enrollment: values.WEFT_ENROLLMENT_LISTEN,
    metrics: values.WEFT_METRICS_LISTEN,
    publicHost: values.WEFT_PUBLIC_HOST ?? hostname(),
    dataDirectory: values.WEFT_DATA_DIR,
    adminPassword: values.WEFT_ADMIN_PASSWORD,
    consoleDirectory: values.WEFT_CONSOLE_DIR,
    database: databaseSource(values.DATABASE_URL, values.PG_BIN_DIR),
    logLevel: values.WEFT_LOG_LEVEL,
    webhookNetworks: values.WEFT_WEBHOOK_NETWORKS ?? new BlockList(),
    statusIntervalMilliseconds: values.WEFT_STATUS_INTERVAL_MS,
    edgeCertificateMilliseconds: values.WEFT_EDGE_CERTIFICATE_HOURS * HOUR_MILLISECONDS,
    oidc: oidcConfig(values, present),
    revocationListUrl: values.WEFT_REVOCATION_LIST_URL,
  });
}

/** Names that look like ours and are none of ours: most likely a typing error, worth a warning. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.keys(environment).filter((name) => name.startsWith('WEFT_') && !(name in Environment.shape));
}

function databaseSource(url: string | undefined, directory: string | undefined): DatabaseSource {
  if (url !== undefined) return { kind: 'url', url };
  if (directory !== undefined) return { kind: 'binaries', directory };
  return { kind: 'embedded' };
}

/** @throws ConfigError naming what is missing, when something of it is there. */
function oidcConfig(values: z.infer<typeof Environment>, present: object): OidcConfig | undefined {
  if (!Object.keys(present).some((name) => name.startsWith('WEFT_OIDC_'))) return undefined;
  const {
    WEFT_OIDC_ISSUER: issuer,
    WEFT_OIDC_CLIENT_ID: clientId,
    WEFT_OIDC_CLIENT_SECRET_FILE: clientSecretFile,
    WEFT_OIDC_REDIRECT_URI: redirectUri,
    WEFT_OIDC_ROLES: roles,
  } = values;
  if (!(issuer && clientId && clientSecretFile && redirectUri && roles)) {
    const missing = OIDC_NECESSARY.filter((variable) => values[variable] === undefined);
    const detail = 'is needed when any other WEFT_OIDC_… is there';
    throw new ConfigError(missing.map((variable) => ({ variable, detail })));
  }
  return {
    issuer,
    clientId,
    clientSecretFile,
    redirectUri,
    scopes: values.WEFT_OIDC_SCOPES,
    displayName: values.WEFT_OIDC_DISPLAY_NAME ?? new URL(issuer).hostname,
    nameClaim: values.WEFT_OIDC_NAME_CLAIM,
    roleClaim: values.WEFT_OIDC_ROLE_CLAIM,
    roles,
    providerRoles: values.WEFT_OIDC_PROVIDER_ROLES ?? [],
  };
}

/** Turns a parser that throws an Error with a readable message into a zod transformation. */
function parsedBy<T>(parse: (text: string) => T) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  });
}

const absolutePath = z
  .string()
  .refine(isAbsolute, 'must be an absolute path')
  .transform((path) => resolve(path));

const databaseUrl = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  return ['postgres:', 'postgresql:'].includes(new URL(text).protocol);
}, 'must be a URL like postgres://user:password@host:5432/database');

/** Not https: whoever checks the certificate of that server would ask here whether it is revoked (RFC 5280 section 8). */
const listUrl = z
  .string()
  .max(256, 'must have at most 256 characters')
  .refine(
    (text) => /^http:\/\/[\x21-\x7e]+$/.test(text) && URL.canParse(text),
    'must be a URL like http://weft.example/certificate-revocation-list.crl',
  );

/** A whole number within bounds. */
function numberOf(unit: string, least: number, most: number) {
  const rule = `must be a number of ${unit} from ${least} to ${most}`;
  return z
    .string()
    .regex(/^[0-9]{1,6}$/, rule)
    .transform(Number)
    .refine((value) => value >= least && value <= most, rule);
}

const HOUR_MILLISECONDS = 3_600_000;

const Environment = z.object({
  WEFT_HTTP_LISTEN: parsedBy(parseListenAddress).prefault('127.0.0.1:8080'),
  WEFT_SESSION_LISTEN: parsedBy(parseTcpListenAddress).prefault('0.0.0.0:8443'),
  WEFT_ENROLLMENT_LISTEN: parsedBy(parseTcpListenAddress).prefault('0.0.0.0:8444'),
  WEFT_METRICS_LISTEN: parsedBy(parseTcpListenAddress).optional(),
  WEFT_WEBHOOK_NETWORKS: parsedBy(parseNetworks).optional(),
  WEFT_PUBLIC_HOST: parsedBy(parseHost).optional(),
  WEFT_DATA_DIR: absolutePath.prefault('/var/lib/weft-controller'),
  WEFT_ADMIN_PASSWORD: z
    .string()
    .min(PASSWORD_MINIMUM, `must have at least ${PASSWORD_MINIMUM} characters`)
    .max(PASSWORD_MAXIMUM, `must have at most ${PASSWORD_MAXIMUM} characters`)
    .optional(),
  WEFT_CONSOLE_DIR: absolutePath.prefault(fileURLToPath(new URL('../../../web-console/dist', import.meta.url))),
  WEFT_LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).prefault('info'),
  WEFT_STATUS_INTERVAL_MS: numberOf('milliseconds', 100, 60_000).prefault('1000'),
  // Two weeks: an edge that renews at two thirds outlives a controller that is away for three days, whenever that begins.
  WEFT_EDGE_CERTIFICATE_HOURS: numberOf('hours', 1, 8_760).prefault('336'),
  WEFT_OIDC_ISSUER: parsedBy(parseIssuer).optional(),
  WEFT_OIDC_CLIENT_ID: OneLine.optional(),
  WEFT_OIDC_CLIENT_SECRET_FILE: absolutePath.optional(),
  WEFT_OIDC_REDIRECT_URI: parsedBy(parseRedirectUri).optional(),
  WEFT_OIDC_SCOPES: parsedBy(parseScopes).prefault('openid profile'),
  WEFT_OIDC_DISPLAY_NAME: OneLine.max(50, 'must have at most 50 characters').optional(),
  WEFT_OIDC_NAME_CLAIM: OneLine.prefault('preferred_username'),
  WEFT_OIDC_ROLE_CLAIM: OneLine.prefault('groups'),
  WEFT_OIDC_ROLES: parsedBy(parseTenantRoles).optional(),
  WEFT_OIDC_PROVIDER_ROLES: parsedBy(parseProviderRoles).optional(),
  WEFT_REVOCATION_LIST_URL: listUrl.optional(),
  DATABASE_URL: databaseUrl.optional(),
  PG_BIN_DIR: absolutePath.optional(),
});

const OIDC_NECESSARY = [
  'WEFT_OIDC_ISSUER',
  'WEFT_OIDC_CLIENT_ID',
  'WEFT_OIDC_CLIENT_SECRET_FILE',
  'WEFT_OIDC_REDIRECT_URI',
  'WEFT_OIDC_ROLES',
] as const;
