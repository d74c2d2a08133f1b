import { createWeftClient, type WeftClient } from '@weft/contracts/rest';
import { CliError } from '../platform/cli-error.js';
import { EXIT_REFUSED } from '../platform/exit-code.js';
import type { Credential } from '../settings/credential.js';
import type { Settings } from '../settings/settings.js';
import { controllerFetch } from './controller-fetch.js';
import { readAll } from './pages.js';
import { answerOf } from './refusal.js';

/** A controller as somebody, in one tenant. */
export interface Connection {
  readonly client: WeftClient;
  readonly tenantId: string;
}

/** It is not clear which tenant is meant. */
export class TenantError extends CliError<'tenant_unknown' | 'tenant_unsaid'> {
  override readonly name = 'TenantError';
}

/** The client that is generated from the contract, with our own transport below. */
export function clientOf(settings: Settings, authorities: string | undefined, credential: Credential): WeftClient {
  const { controller, timeoutMilliseconds } = settings;
  return createWeftClient({
    baseUrl: controller.origin,
    headers: credential.headers,
    fetch: controllerFetch({ authorities, timeoutMilliseconds }),
  });
}

/** Finds the tenant by name or id; that of the credential when none is said. Throws TenantError, Refusal, UnreachableError. */
export async function tenantOf(client: WeftClient, named: string | undefined): Promise<string> {
  if (named === undefined) {
    const { tenantId } = await answerOf(client.GET('/api/v1/session'));
    if (tenantId !== null) return tenantId;
    throw new TenantError('tenant_unsaid', 'you work in several tenants', 'say with --tenant in which');
  }
  if (IDENTIFIER.test(named)) return named;
  const tenants = await readAll(client, undefined, '/api/v1/tenants');
  const found = tenants.find(({ name }) => name === named);
  if (found !== undefined) return found.id;
  const names = tenants.map(({ name }) => JSON.stringify(name)).join(', ');
  const fix = names === '' ? 'you may enter none' : `you may enter ${names}`;
  throw new TenantError('tenant_unknown', `there is no tenant ${JSON.stringify(named)} for you`, fix, EXIT_REFUSED);
}

const IDENTIFIER = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
