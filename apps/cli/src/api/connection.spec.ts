import type { WeftClient } from '@weft/contracts/rest';
import { describe, expect, it } from 'vitest';
import { tenantOf } from './connection.js';

/** A controller that gives tenants one at a time. */
function clientWith(...names: string[]): WeftClient {
  const GET = async (_: string, { params }: { params?: { query?: { after?: string } } } = {}) => {
    const index = Number(params?.query?.after ?? 0);
    const next = index + 1 < names.length ? String(index + 1) : null;
    return { data: { items: [{ id: `id of ${names[index]}`, name: names[index] }], next }, response: new Response() };
  };
  return { GET } as unknown as WeftClient;
}

describe('the tenant that a command means', () => {
  it('is found by its name, on whatever page it is', async () => {
    expect(await tenantOf(clientWith('north', 'south', 'west'), 'west')).toBe('id of west');
  });

  it('is one of those that there are', async () => {
    await expect(tenantOf(clientWith('north', 'south'), 'east')).rejects.toMatchObject({
      code: 'tenant_unknown',
      fix: 'you may enter "north", "south"',
    });
  });
});
