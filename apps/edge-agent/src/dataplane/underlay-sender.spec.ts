import { allocatePacketMemory, type Endpoint, type UdpSocket } from '@weft/linux-io';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Socket } from '../../test/support/outbound-parts.js';
import { IoCounters } from './io-counters.js';
import type { PacketSender } from './packet-sender.js';
import type { Underlay, Uplink } from './underlay.js';
import { UnderlaySender } from './underlay-sender.js';

const LOCAL: Endpoint = { address: Uint8Array.of(203, 0, 113, 1), port: 4500 };
const NO_PACKETS = { isFull: false, blocked: false, flush: () => true } as unknown as PacketSender;
const OCTETS = 64 * 1500;

/** Peers 0 and 1 are reached from the preferred uplink, 2 and 3 from another. */
function setUp() {
  const [preferred, other] = [new Socket(), new Socket()];
  const peers = Array.from({ length: 4 }, (_, peer) =>
    Uint8Array.of(2, 0, 0x11, 0x94, 198, 51, 100, peer, 0, 0, 0, 0, 0, 0, 0, 0),
  );
  const uplink: Uplink = { socket: other as unknown as UdpSocket, local: LOCAL };
  const ways = new Map(peers.slice(2).map((peer) => [peer, uplink]));
  const underlay: Underlay = { socket: preferred as unknown as UdpSocket, remotes: new Map(), ways };
  const memory = allocatePacketMemory(OCTETS);
  const sender = new UnderlaySender(memory, { start: 0, end: OCTETS }, new IoCounters(), NO_PACKETS, {} as never);
  sender.takesRuns = true;
  const append = (peer: number, mark: number) => {
    memory.bytes.fill(mark, sender.position, sender.position + 100);
    sender.append(100, peers[peer] ?? LOCAL.address, 0);
  };
  return { preferred, other, underlay, sender, append };
}

const marks = ({ sent }: Socket) => sent.map(([mark]) => mark);

describe('packets for peers that are reached from several uplinks', () => {
  it('leave by the uplink of their peer, each once and in order, wherever one of them takes no more', () => {
    const packets = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(packets, fc.nat({ max: 10 }), fc.nat({ max: 10 }), (to, room, otherRoom) => {
        const { preferred, other, underlay, sender, append } = setUp();
        [preferred.room, other.room] = [room, otherRoom];
        for (const [index, peer] of to.entries()) append(peer, index + 1);
        while (!sender.flush(underlay)) {
          // Whoever waits for one to take more has to know which.
          expect(sender.blockedSocket).toBe(preferred.room === 0 ? blocked(preferred, other, sender) : other);
          [preferred.room, other.room] = [Math.max(preferred.room, 1), Math.max(other.room, 1)];
        }
        const of = (wanted: (peer: number) => boolean) =>
          to.flatMap((peer, index) => (wanted(peer) ? [index + 1] : []));
        expect([marks(preferred), marks(other)]).toEqual([of((peer) => peer < 2), of((peer) => peer >= 2)]);
        expect(sender.blockedSocket).toBeUndefined();
      }),
    );
  });

  it('leave by the preferred one when nothing is said of their peer', () => {
    const { preferred, other, underlay, sender, append } = setUp();
    append(2, 7);
    expect(sender.flush({ socket: underlay.socket, remotes: new Map() })).toBe(true);
    expect([marks(preferred), marks(other)]).toEqual([[7], []]);
  });
});

/** With both full either may be the one. */
function blocked(preferred: Socket, other: Socket, { blockedSocket }: UnderlaySender): unknown {
  if (other.room > 0) return preferred;
  return [preferred, other].find((socket) => (socket as unknown) === blockedSocket);
}
