import { createWeftClient, type Edge, type Problem, type Tunnel, type WeftClient } from '@weft/contracts/rest';

/** The controller refused a request: its problem details (RFC 9457) as one sentence. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | undefined;
  constructor(what: string, status: number, problem: Problem | undefined) {
    super(`${what}: the controller answered ${status}. ${describe(problem)}`.trim());
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }
}

/** A logged-in user of the public API; the generated client does the talking. */
export interface ControllerApi {
  readonly client: WeftClient;
  readonly tenantId: string;
  edges(): Promise<readonly Edge[]>;
  tunnels(): Promise<readonly Tunnel[]>;
}

/** Logs in at `baseUrl` and keeps the session cookie for every later call. */
export async function logIn(baseUrl: string, userName: string, password: string): Promise<ControllerApi> {
  let cookie = '';
  const client = createWeftClient({
    baseUrl,
    fetch: async (request) => {
      if (cookie !== '') request.headers.set('cookie', cookie);
      return fetch(request);
    },
  });
  const login = await client.POST('/api/v1/session', { body: { userName, password } });
  const { tenantId } = answerOf(login, 'Log in');
  cookie = login.response.headers
    .getSetCookie()
    .map((each) => each.split(';')[0])
    .join('; ');
  const path = { params: { path: { tenantId } } };
  return {
    client,
    tenantId,
    edges: async () => answerOf(await client.GET('/api/v1/tenants/{tenantId}/edges', path), 'List the edges').items,
    tunnels: async () =>
      answerOf(await client.GET('/api/v1/tenants/{tenantId}/tunnels', path), 'List the tunnels').items,
  };
}

/** The data of an answer; throws an ApiError that begins with `what` when the controller refused. */
export function answerOf<T>(
  answer: { readonly data?: T; readonly error?: unknown; readonly response: Response },
  what: string,
): NonNullable<T> {
  if (answer.data === undefined || answer.data === null) {
    throw new ApiError(what, answer.response.status, answer.error as Problem | undefined);
  }
  return answer.data;
}

function describe(problem: Problem | undefined): string {
  if (problem === undefined) return '';
  const entries = (problem.errors ?? []).map((each) => `${each.pointer}: ${each.detail}`);
  return [problem.detail ?? problem.title, ...entries].join(' ');
}
