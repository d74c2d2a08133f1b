import { createWeftClient } from '@weft/contracts/rest';

/** An API token of the administrator, as they make one in the console, and the tenant that it is for. */
export async function makeToken(url: string, password: string): Promise<{ token: string; tenantId: string }> {
  const response = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userName: 'admin', password }),
  });
  const { tenantId } = (await response.json()) as { tenantId: string };
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const client = createWeftClient({ baseUrl: url, headers: { cookie } });
  const { data } = await client.POST('/api/v1/tenants/{tenantId}/api-tokens', {
    params: { path: { tenantId } },
    body: { name: 'pipeline', role: 'admin' },
  });
  if (data === undefined) throw new Error('the controller made no token');
  return { token: data.token, tenantId };
}
