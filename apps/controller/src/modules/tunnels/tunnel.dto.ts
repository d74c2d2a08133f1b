import { z } from 'zod';
import { pageQuery, pageSchema } from '../../platform/http/page.js';
import { Identifier, Timestamp } from '../../platform/http/schemas.js';
import { IpsecMode, KeyingMode, SecurityProtocol } from '../tenants/tenant.dto.js';

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

const Octets = z.int().min(0).max(65_535);
const SegmentSize = Octets.nullable().meta({
  description: 'What TCP SYN segments are clamped to; null: they are not.',
});

export const TunnelPath = z
  .object({
    pathMtu: Octets.meta({
      description: 'The largest whole IP packet that arrives at the other end, as far as is known.',
    }),
    source: z.enum(['configured', 'icmp', 'probe']).meta({
      description: 'What says so: the configuration, a router, or the other end, which answered a probe (RFC 8899).',
    }),
    outerIpHeader: Octets.meta({ description: '0 in transport mode, where a packet keeps its own.' }),
    udpHeader: Octets.meta({ description: '0 when ESP is not encapsulated in UDP.' }),
    espOverhead: Octets.meta({
      description:
        'Of ESP: SPI, sequence number, IV, padding, trailer and ICV around the largest packet. Of AH: its header.',
    }),
    unused: Octets.meta({ description: 'Left over, less than one alignment of ESP.' }),
    largestPacket: Octets.meta({ description: 'The largest inner packet that passes whole.' }),
    maximumSegmentSize4: SegmentSize,
    maximumSegmentSize6: SegmentSize,
    roundTripMilliseconds: z.number().min(0).nullable().meta({
      description: 'Until the other end has answered a probe, smoothed; null before the first answer.',
    }),
    roundTripProbes: z.int().min(0).meta({
      description: 'Probes since the edge started, of a size that is known to pass: those without an answer were lost.',
    }),
    roundTripAnswers: z.int().min(0),
  })
  .meta({
    id: 'TunnelPath',
    description:
      'In octets: `pathMtu` is the sum of `outerIpHeader`, `udpHeader`, `espOverhead`, `largestPacket` and `unused`.',
  });

export const ObservedPeer = z
  .object({
    address: z.string(),
    port: z.int().min(1).max(65_535),
  })
  .meta({
    id: 'ObservedPeer',
    description:
      'An end of a tunnel as the other one sees it on the underlay: of one behind a NAT, the outside of that.',
    examples: [{ address: '198.51.100.7', port: 40001 }],
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
    path: TunnelPath.nullable().meta({
      description:
        'What the path to the other end carries; null where that is not known, or differs from packet to packet.',
    }),
    observedPeer: ObservedPeer.nullable().meta({
      description:
        'Where this edge meets the other end; null without an IKE SA, and when the controller makes the keys.',
    }),
    behindNat: z.boolean().nullable().meta({
      description:
        'Whether a NAT changes the addresses of this edge on the way there (RFC 7296 section 2.23); null when observedPeer is.',
    }),
  })
  .meta({ id: 'TunnelEnd', description: 'The tunnel as one of its edges sees it.' });

export const TunnelExternalPeer = z
  .object({
    id: Identifier,
    name: z.string(),
    address: z
      .string()
      .nullable()
      .meta({ description: 'Null: a remote host, which comes from whatever address it has.' }),
    port: z.int().min(1).max(65_535).nullable().meta({ description: 'Null where the address is.' }),
  })
  .meta({ id: 'TunnelExternalPeer', description: 'An external peer as the revision in force has it.' });

export const Tunnel = z
  .object({
    id: Identifier,
    state: z.enum(['up', 'waiting', 'establishing', 'down']).meta({
      description:
        'waiting: it is negotiated when there is traffic for it, and there is none, or when a remote host calls, and it does not; nothing is wrong with it.',
    }),
    reason: z.string().nullable().meta({ description: 'Why it is not up; null when it is.' }),
    keyingMode: KeyingMode,
    securityProtocol: SecurityProtocol,
    mode: IpsecMode,
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
          'What the ends agreed on for their keys; null when the controller makes them, and until each edge reports the same.',
      }),
    rekeys: z.int().min(0).meta({
      description:
        'Times that its security associations were replaced: since the controller started when it makes the keys, else since the edges started.',
    }),
    externalPeer: TunnelExternalPeer.nullable().meta({
      description:
        'The other end, when that is no edge; what is known of the tunnel is then what the edge says. null: both ends are edges.',
    }),
    edges: z.array(TunnelEnd).min(1).max(2).meta({ description: 'Both ends, or the one that is an edge.' }),
  })
  .meta({ id: 'Tunnel' });
export const TunnelList = pageSchema(Tunnel).meta({ id: 'TunnelList' });

export type TunnelTraffic = z.infer<typeof TunnelTraffic>;
export type TunnelPath = z.infer<typeof TunnelPath>;
export type TunnelEnd = z.infer<typeof TunnelEnd>;
/** Lists of tunnels: by identifier. */
export const TunnelListPage = pageQuery('uuid');

export type Tunnel = z.infer<typeof Tunnel>;
export type TunnelList = z.infer<typeof TunnelList>;
