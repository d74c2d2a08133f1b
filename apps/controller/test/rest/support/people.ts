import { type CreateUser, createWeftClient, type NewApiToken, type WeftClient } from '@weft/contracts/rest';
import type { Role } from '../../../src/platform/http/role.js';
import { type Api, cookieOf, logIn } from './api.js';

/** Somebody who is logged in. */
export class Person {
  private constructor(
    readonly id: string,
    readonly name: string,
    readonly client: WeftClient,
    readonly cookie: string,
    readonly url: string,
  ) {}

  /** Made by the admin of the API in this tenant, and logged in. */
  static async make(api: Api, tenantId: string, user: Omit<CreateUser, 'password'>): Promise<Person> {
    const { data } = await api.client.POST('/api/v1/tenants/{tenantId}/users', {
      params: { path: { tenantId } },
      body: { ...user, password: PASSWORD },
    });
    if (data === undefined) throw new Error(`the user ${user.name} was not made`);
    return Person.logIn(api, data.id, user.name);
  }

  static async logIn(api: Api, id: string, name: string, password = PASSWORD): Promise<Person> {
    const { url } = api.controller;
    const cookie = cookieOf(await logIn(url, name, password));
    return new Person(id, name, createWeftClient({ baseUrl: url, headers: { cookie } }), cookie, url);
  }

  /** The same person with another session. */
  withCookie(cookie: string): Person {
    return new Person(
      this.id,
      this.name,
      createWeftClient({ baseUrl: this.url, headers: { cookie } }),
      cookie,
      this.url,
    );
  }

  /** A request as it is; a body goes as JSON. */
  fetch(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: { cookie: this.cookie, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
}

/** Makes a tenant; returns its identifier. */
export async function makeTenant(api: Api, name: string): Promise<string> {
  const { data } = await api.client.POST('/api/v1/tenants', { body: { name } });
  if (data === undefined) throw new Error(`the tenant ${name} was not made`);
  return data.id;
}

/** Made by the admin of the API. */
export async function makeToken(api: Api, tenantId: string, body: { name: string; role: Role }): Promise<NewApiToken> {
  const { data } = await api.client.POST('/api/v1/tenants/{tenantId}/api-tokens', {
    params: { path: { tenantId } },
    body: { lifetimeDays: 1, ...body },
  });
  if (data === undefined) throw new Error(`the token ${body.name} was not made`);
  return data;
}

/** Of everybody made here. */
export const PASSWORD = 'a password for the tests';
