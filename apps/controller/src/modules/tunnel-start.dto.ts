import { z } from 'zod';

/** The bounds are those of edges (apps/edge-agent/src/control/bundle/parse-keying.ts). */
const IdleSeconds = z.int().min(10).max(2_592_000).meta({
  description:
    'After so many seconds without a packet in either direction the tunnel ends, until there is one again; absent: it stays.',
});

/** When edges negotiate a tunnel. */
export const TunnelStart = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('start') }),
    z.strictObject({ kind: z.literal('trap'), idleSeconds: IdleSeconds.optional() }),
  ])
  .meta({
    id: 'TunnelStart',
    description:
      'When edges negotiate a tunnel, in the words of strongSwan. start: as soon as they know of it. trap: when there is a packet for it and no security association (RFC 4301 section 5.1); packets are dropped until there is one. Waiting needs edges that negotiate (ikev2). A tunnel with one of several edges of a site starts at once all the same.',
    examples: [{ kind: 'trap', idleSeconds: 600 }],
  });

export type TunnelStart = z.infer<typeof TunnelStart>;
