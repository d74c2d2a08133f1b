import { z } from 'zod';
import { Identifier, Timestamp } from '../../platform/http/schemas.js';
import { KeyingMode } from '../tenants/tenant.dto.js';

const Spi = z
  .int()
  .min(256)
  .max(0xffffffff)
  .nullable()
  .meta({ description: 'Security parameters index (RFC 4301); null when there is none.' });

export const TunnelTraffic = z
  .object({
    packets: z.int().min(0),
    bytes: z.int().min(0),
    packetsPerSecond: z.number().min(0),
    bytesPerSecond: z.number().min(0),
  })
  .meta({
    id: 'TunnelTraffic',
    description: 'Inner packets since the edge started, and the rate between its last two reports.',
  });

export const TunnelEnd = z
  .object({
    edgeId: Identifier,
    edgeName: z.string(),
    siteId: Identifier,
    siteName: z.string(),
    inboundSpi: Spi,
    outboundSpi: Spi,
    inbound: TunnelTraffic,
    outbound: TunnelTraffic,
    lastReceivedAt: Timestamp.nullable(),
  })
  .meta({ id: 'TunnelEnd', description: 'The tunnel as one of its edges sees it.' });

export const Tunnel = z
  .object({
    id: Identifier,
    state: z.enum(['up', 'establishing', 'down']),
    reason: z.string().nullable().meta({ description: 'Why it is not up; null when it is.' }),
    keyingMode: KeyingMode,
    keyExchange: z
      .object({
        methods: z.array(z.string()).meta({ description: 'By name; the first, then what was added to it (RFC 9370).' }),
        ppk: z.boolean().meta({
          description: 'Whether a postquantum preshared key is mixed into the keys (RFC 8784).',
        }),
        postQuantum: z.boolean().meta({
          description:
            'Whether a method, or a preshared key, withstands a quantum computer: all must be broken to learn the keys.',
        }),
      })
      .nullable()
      .meta({
        description:
          'What the edges agreed on for their keys; null when the controller makes them, and until both edges report the same.',
      }),
    rekeys: z.int().min(0).meta({
      description:
        'Times that its security associations were replaced: since the controller started when it makes the keys, else since the edges started.',
    }),
    edges: z.array(TunnelEnd).length(2).meta({ description: 'Both ends.' }),
  })
  .meta({ id: 'Tunnel' });
export const TunnelList = z.object({ items: z.array(Tunnel) }).meta({ id: 'TunnelList' });

export type TunnelTraffic = z.infer<typeof TunnelTraffic>;
export type TunnelEnd = z.infer<typeof TunnelEnd>;
export type Tunnel = z.infer<typeof Tunnel>;
export type TunnelList = z.infer<typeof TunnelList>;
