import { createWeftClient, type WeftClient } from '@weft/contracts/rest';
import { TEST_ADMIN_PASSWORD, TestController } from '../../support/test-controller.js';
import { TestPostgres } from '../../support/test-postgres.js';

/** A controller on a database of its own, and a client that is logged in as admin. */
export class Api {
  private constructor(
    readonly postgres: TestPostgres,
    readonly databaseUrl: string,
    readonly controller: TestController,
    readonly client: WeftClient,
    readonly cookie: string,
    readonly tenantId: string,
  ) {}

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<Api> {
    const postgres = await TestPostgres.start();
    const databaseUrl = await postgres.createDatabase();
    const controller = await TestController.start({ databaseUrl, environment });
    const response = await logIn(controller.url, 'admin', TEST_ADMIN_PASSWORD);
    const { tenantId } = (await response.json()) as { tenantId: string };
    const cookie = cookieOf(response);
    const client = createWeftClient({ baseUrl: controller.url, headers: { cookie } });
    return new Api(postgres, databaseUrl, controller, client, cookie, tenantId);
  }

  async stop(): Promise<void> {
    await this.controller.stop();
    await this.postgres.remove();
  }

  /** A request as it is, with the cookie. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.controller.url}${path}`, { ...init, headers: { cookie: this.cookie, ...init.headers } });
  }

  /** Path below the tenant. */
  path(rest: string): string {
    return `/api/v1/tenants/${this.tenantId}${rest}`;
  }

  /** Posts JSON below the tenant and returns what was made; throws unless it was. */
  async make<T = { id: string }>(path: string, body: unknown): Promise<T> {
    const response = await this.send('POST', path, body);
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  send(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(this.path(path), {
      method,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }
}

export function logIn(url: string, userName: string, password: string): Promise<Response> {
  return fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userName, password }),
  });
}

export function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

/** Two sites with a network and an edge each. */
export async function makeTopology(api: Api) {
  const berlin = await api.make('/sites', { name: 'berlin' });
  const tokyo = await api.make('/sites', { name: 'tokyo' });
  const berlinLan = await api.make('/networks', { siteId: berlin.id, name: 'lan', prefix: '10.1.0.0/16' });
  const tokyoLan = await api.make('/networks', { siteId: tokyo.id, name: 'lan', prefix: '10.2.0.0/16' });
  const berlinEdge = await api.make('/edges', { siteId: berlin.id, name: 'berlin-1', underlayAddress: '203.0.113.1' });
  const tokyoEdge = await api.make('/edges', { siteId: tokyo.id, name: 'tokyo-1', underlayAddress: '203.0.113.2' });
  return { berlin, tokyo, berlinLan, tokyoLan, berlinEdge, tokyoEdge };
}

/** A rule body between two sites. */
export function rule(name: string, from: string, to: string, action = 'PROTECT') {
  return {
    name,
    action,
    sources: [{ kind: 'site', siteId: from }],
    destinations: [{ kind: 'site', siteId: to }],
    services: [{ protocol: 'any', ports: [] }],
  };
}

export interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly requestId: string;
  readonly errors: readonly { pointer: string; rule: string; detail: string; fix: string }[];
}

/** The problem of an answer; throws when it is none. */
export async function problemOf(response: Response): Promise<ProblemBody> {
  const type = response.headers.get('content-type');
  if (type !== 'application/problem+json; charset=utf-8') {
    throw new Error(`no problem: ${response.status} ${type} ${await response.text()}`);
  }
  const problem = (await response.json()) as ProblemBody;
  if (problem.status !== response.status) throw new Error(`status ${problem.status} in ${response.status}`);
  return problem;
}
