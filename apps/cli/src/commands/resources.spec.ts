import type { WeftClient } from '@weft/contracts/rest';
import { describe, expect, it } from 'vitest';
import { RESOURCES } from './resources.js';

describe('what weft get shows', () => {
  it('says of a named service what it is of', async () => {
    const services = [
      {
        protocol: 'tcp',
        ports: [
          { first: 80, last: 80 },
          { first: 8000, last: 8100 },
        ],
      },
      { protocol: 'icmp', ports: [] },
    ];
    const items = [{ id: 'i', name: 'web', description: 'pages', services, version: 1 }];
    const client = { GET: async () => ({ data: { items }, response: new Response() }) } as unknown as WeftClient;
    const [read] = (await RESOURCES['services']?.read(client, 'tenant')) ?? [];
    expect(RESOURCES['services']?.headings).toEqual(['id', 'name', 'of', 'description']);
    expect(read?.cells).toEqual(['i', 'web', 'tcp 80,8000-8100, icmp', 'pages']);
  });

  it('has revisions by their number, and asks for the earlier ones by it', async () => {
    const revision = (number: number) => ({
      number,
      publishedAt: '2026-03-14T09:26:53.589Z',
      author: 'ada',
      approvedBy: null,
      restoredFrom: number === 2 ? 1 : null,
      comment: 'tokyo',
    });
    const pages = new Map([
      [undefined, { items: [revision(3), revision(2)], next: 2 }],
      [2, { items: [revision(1)], next: null }],
    ]);
    const GET = async (_: string, { params: { query } }: { params: { query: { before?: number } } }) => ({
      data: pages.get(query.before),
      response: new Response(),
    });
    const read = (await RESOURCES['revisions']?.read({ GET } as unknown as WeftClient, 'tenant')) ?? [];
    expect(read.map(({ id, name }) => [id, name])).toEqual([
      ['3', undefined],
      ['2', undefined],
      ['1', undefined],
    ]);
    expect(read[1]?.cells).toEqual(['2', '2026-03-14T09:26:53.589Z', 'ada', '-', '1', 'tokyo']);
  });

  it('says of a profile what protects packets, and what the negotiation', async () => {
    const esp = { encryption: 'aes-gcm-16', keyBits: 128 };
    const ike = { encryption: 'chacha20-poly1305', keyBits: 256, keyExchange: ['X25519', 'ML-KEM-768'] };
    const items = [{ id: 'i', name: 'short', description: '', esp, ike }];
    const client = { GET: async () => ({ data: { items }, response: new Response() }) } as unknown as WeftClient;
    const [read] = (await RESOURCES['profiles']?.read(client, 'tenant')) ?? [];
    expect(RESOURCES['profiles']?.headings).toEqual(['id', 'name', 'esp', 'ike', 'description']);
    expect(read?.cells).toEqual(['i', 'short', 'aes-gcm-16 128', 'chacha20-poly1305 256 X25519+ML-KEM-768', '']);
  });

  it('says of an external peer where a gateway is and what is behind it, or what a remote host is assigned', async () => {
    const gateway = { address: '203.0.113.7', port: 4500, prefixes: ['10.8.0.0/24', '10.9.0.0/24'] };
    const assigned = [
      { addressPoolId: 'p', address: '10.99.0.7' },
      { addressPoolId: 'q', address: '2001:db8:99::7' },
    ];
    const items = [
      { id: 'g', name: 'partner', siteId: 's', ...gateway },
      { id: 'h', name: 'ada', siteId: 's', assigned },
    ];
    const client = { GET: async () => ({ data: { items }, response: new Response() }) } as unknown as WeftClient;
    const read = (await RESOURCES['external-peers']?.read(client, 'tenant')) ?? [];
    expect(RESOURCES['external-peers']?.headings).toEqual(['id', 'name', 'address', 'prefixes', 'assigned', 'site']);
    expect(read.map(({ cells }) => cells)).toEqual([
      ['g', 'partner', '203.0.113.7 4500', '10.8.0.0/24,10.9.0.0/24', '-', 's'],
      ['h', 'ada', '-', '-', '10.99.0.7,2001:db8:99::7', 's'],
    ]);
  });
});
