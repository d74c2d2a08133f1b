/** A session with the API, beside that of the browser: what a test makes ready, and what it looks up. */
export class ApiSession {
  /** Of whoever has logged in. */
  readonly tenantId: string;
  readonly #url: string;
  readonly #cookie: string;

  private constructor(url: string, tenantId: string, cookie: string) {
    this.#url = url;
    this.tenantId = tenantId;
    this.#cookie = cookie;
  }

  /** Throws when the controller at `url` does not let them in. */
  static async open(url: string, userName: string, password: string): Promise<ApiSession> {
    const answer = await request(`${url}/api/v1/session`, 'POST', {}, { userName, password });
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const { tenantId } = (await answer.json()) as { tenantId: string };
    return new ApiSession(url, tenantId, cookie);
  }

  /** Asks for `path`, below the tenant unless it begins with a slash; throws when that is refused. */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const place = path.startsWith('/') ? path : `/tenants/${this.tenantId}/${path}`;
    return request(`${this.#url}/api/v1${place}`, method, { cookie: this.#cookie, ...headers }, body);
  }

  async read<Answer>(path: string): Promise<Answer> {
    return (await (await this.send('GET', path)).json()) as Answer;
  }

  /** @returns the identifier of what was made. */
  async make(path: string, body: unknown): Promise<string> {
    const { id } = (await (await this.send('POST', path, body)).json()) as { id: string };
    return id;
  }
}

async function request(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<Response> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}
