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

  it('says of a profile what protects packets, and what the negotiation', async () => {
    const esp = { encryption: 'aes-gcm-16', keyBits: 128 };
    const ike = { encryption: 'chacha20-poly1305', keyBits: 256, keyExchange: ['X25519', 'ML-KEM-768'] };
    const items = [{ id: 'i', name: 'short', description: '', esp, ike }];
    const client = { GET: async () => ({ data: { items }, response: new Response() }) } as unknown as WeftClient;
    const [read] = (await RESOURCES['profiles']?.read(client, 'tenant')) ?? [];
    expect(RESOURCES['profiles']?.headings).toEqual(['id', 'name', 'esp', 'ike', 'description']);
    expect(read?.cells).toEqual(['i', 'short', 'aes-gcm-16 128', 'chacha20-poly1305 256 X25519+ML-KEM-768', '']);
  });
});
