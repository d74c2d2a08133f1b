/** Where the controller of these tests is, for browsers and for the provider. */
export const PUBLIC_ORIGIN = 'https://weft.example';

/** As much of a browser as a login needs: cookies for the controller, and one step at a time. Nobody else has its address. */
export class Browser {
  static #last = 0;
  readonly cookies = new Map<string, string>();
  readonly #url: string;
  readonly #address: string;

  /** @param url of the controller, which it knows as PUBLIC_ORIGIN */
  constructor(url: string) {
    this.#url = url;
    Browser.#last += 1;
    this.#address = `192.0.2.${Browser.#last}`;
  }

  /** Goes to a place, and no further. */
  async go(place: string): Promise<Response> {
    const { origin, pathname, search } = new URL(place, PUBLIC_ORIGIN);
    if (origin !== PUBLIC_ORIGIN) return fetch(place, { redirect: 'manual' });
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${this.#url}${pathname}${search}`, {
      redirect: 'manual',
      headers: { cookie, 'x-forwarded-for': this.#address, 'x-forwarded-proto': 'https', 'user-agent': 'A browser' },
    });
    for (const text of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** Where a place leads; throws when it leads nowhere. */
  async step(place: string): Promise<string> {
    const response = await this.go(place);
    const target = response.headers.get('location');
    if (response.status !== 302 || target === null)
      throw new Error(`${place}: ${response.status} ${await response.text()}`);
    return target;
  }

  /** To the provider and back: the address with its answer. */
  async answerOfProvider(next?: string): Promise<string> {
    const begin = `/api/v1/session/oidc${next === undefined ? '' : `?next=${encodeURIComponent(next)}`}`;
    return this.step(await this.step(begin));
  }

  /** A whole login; the path of the console that it ends at. */
  async logIn(next?: string): Promise<string> {
    const begun = await this.step(
      `/api/v1/session/oidc${next === undefined ? '' : `?next=${encodeURIComponent(next)}`}`,
    );
    return begun.startsWith('/') ? begun : this.step(await this.step(begun));
  }
}
