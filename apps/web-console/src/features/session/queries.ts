import { api, client, type Session, unwrap } from '../../api/index.js';

export const sessionQuery = api.queryOptions('get', '/api/v1/session', {}, { staleTime: Number.POSITIVE_INFINITY });

export const loginMethodsQuery = api.queryOptions(
  'get',
  '/api/v1/session/methods',
  {},
  { staleTime: Number.POSITIVE_INFINITY },
);

export interface LoginValues {
  readonly userName: string;
  readonly password: string;
  /** Of the second factor; absent where none is asked for. */
  readonly code?: string;
}

export function logIn(body: LoginValues): Promise<Session | undefined> {
  return unwrap<Session | undefined>(client.POST('/api/v1/session', { body }));
}

export function logOut(): Promise<unknown> {
  return unwrap(client.DELETE('/api/v1/session'));
}
