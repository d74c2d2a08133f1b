import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { ControllerConfig } from '../../config/controller-config.js';
import { ACCOUNTS, DatabaseScopes } from '../database/database-scope.js';
import { bodyErrors } from './body-errors.js';
import { consolePages } from './console-pages.js';
import { securityHeaders } from './security-headers.js';
import { isYamlDocument, writeChecks } from './write-checks.js';

/**
 * What Express does before a request meets a route: headers, the console, the checks of a write, its body.
 * Call it before init(), on an application made with `bodyParser: false`, behind the request log.
 */
export function configureHttp(application: NestExpressApplication, config: ControllerConfig): void {
  // A TLS proxy on this machine says who asks and how; anybody else's X-Forwarded-* is hearsay.
  application.set('trust proxy', 'loopback');
  application.set('query parser', 'simple');
  application.set('etag', false);
  application.use(securityHeaders);
  application.useStaticAssets(join(config.consoleDirectory, 'assets'), {
    prefix: '/assets',
    index: false,
    immutable: true,
    maxAge: ASSET_LIFETIME_MILLISECONDS,
  });
  application.use(consolePages(config.consoleDirectory));
  application.useStaticAssets(config.consoleDirectory, { index: false });
  application.use(writeChecks);
  application.useBodyParser('json', { limit: BODY_LIMIT_OCTETS, strict: false, inflate: false });
  application.useBodyParser('text', { limit: BODY_LIMIT_OCTETS, type: isYamlDocument, inflate: false });
  application.use(bodyErrors);
  // Last: what the parser of the body calls back from has forgotten what was in force before it.
  const scopes = application.get(DatabaseScopes);
  application.use((_request: unknown, _response: unknown, next: () => void) => scopes.within(ACCOUNTS, next));
}

/** The names of assets hold a digest of their content. */
const ASSET_LIFETIME_MILLISECONDS = 365 * 24 * 60 * 60 * 1000;
/** The largest policy that the schema admits in practice, with room. */
const BODY_LIMIT_OCTETS = 2 * 1024 * 1024;
