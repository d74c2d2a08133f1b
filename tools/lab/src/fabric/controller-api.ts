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

/** Logs in at `baseUrl`; logs in again when the controller has forgotten the session, as after a restart. */
export async function logIn(baseUrl: string, userName: string, password: string): Promise<ControllerApi> {
  const anonymous = createWeftClient({ baseUrl });
  const openSession = async () => {
    const answer = await anonymous.POST('/api/v1/session', { body: { userName, password } });
    const { tenantId } = answerOf(answer, 'Log in');
    return { tenantId, cookie: answer.response.headers.getSetCookie().map(nameAndValue).join('; ') };
  };
  let session = await openSession();
  const client = createWeftClient({
    baseUrl,
    fetch: async (request) => {
      const again = request.clone();
      const answer = await fetch(withCookie(request, session.cookie));
      if (answer.status !== UNAUTHENTICATED) return answer;
      session = await openSession();
      return fetch(withCookie(again, session.cookie));
    },
  });
  const { tenantId } = session;
  if (tenantId === null)
    throw new Error(`${userName} is a member of several tenants; take a user who is one of a single tenant`);
  const paramsOf = (page: PageQuery) => ({ params: { path: { tenantId }, query: page } });
  return {
    client,
    tenantId,
    edges: () =>
      readAll(async (page) =>
        answerOf(await client.GET('/api/v1/tenants/{tenantId}/edges', paramsOf(page)), 'List the edges'),
      ),
    tunnels: () =>
      readAll(async (page) =>
        answerOf(await client.GET('/api/v1/tenants/{tenantId}/tunnels', paramsOf(page)), 'List the tunnels'),
      ),
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

interface PageQuery {
  readonly limit: number;
  readonly after?: string;
}

async function readAll<Item>(
  read: (page: PageQuery) => Promise<{ readonly items: readonly Item[]; readonly next: string | null }>,
): Promise<Item[]> {
  const all: Item[] = [];
  let page: PageQuery = { limit: PAGE };
  for (;;) {
    const { items, next } = await read(page);
    all.push(...items);
    if (next === null) return all;
    page = { limit: PAGE, after: next };
  }
}

function describe(problem: Problem | undefined): string {
  if (problem === undefined) return '';
  const entries = (problem.errors ?? []).map((each) => `${each.pointer}: ${each.detail}`);
  return [problem.detail ?? problem.title, ...entries].join(' ');
}

function nameAndValue(setCookie: string): string {
  return setCookie.split(';')[0] ?? '';
}

function withCookie(request: Request, cookie: string): Request {
  request.headers.set('cookie', cookie);
  return request;
}

const UNAUTHENTICATED = 401;
/** As many as the controller gives at a time. */
const PAGE = 1000;
