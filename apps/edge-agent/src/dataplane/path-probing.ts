import type { PathPacket, TunnelPaths } from '@weft/ipsec-core';
import {
  allocatePacketMemory,
  type DatagramSocket,
  ERRNO,
  type PacketMemory,
  SendBatch,
  SOCKADDR_IN6_OCTETS,
  sendWhole,
} from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';
import type { Underlay } from './outbound.js';
import type { RawSockets } from './raw-sockets.js';
import { dropReasonOf, sendOrSettle } from './send-or-settle.js';
import type { UnderlayErrors, UnderlayForm } from './underlay-errors.js';

/** What the engine has to say to its peers about paths. */
export type PathPackets = Pick<TunnelPaths, 'next' | 'refuse'>;

/**
 * Probes of the path MTU and answers to them, on their way to the underlay: one by one, for the kernel must neither cut
 * them nor keep them back for what it was told about the path.
 */
export class PathProbing {
  readonly #engine: PathPackets;
  readonly #counters: IoCounters;
  readonly #sockets: Pick<RawSockets, 'sender'>;
  readonly #errors: UnderlayErrors;
  readonly #memory: PacketMemory = allocatePacketMemory(PACKET_OCTETS);
  readonly #batch = new SendBatch(this.#memory, 1);

  constructor(engine: PathPackets, counters: IoCounters, sockets: Pick<RawSockets, 'sender'>, errors: UnderlayErrors) {
    this.#engine = engine;
    this.#counters = counters;
    this.#sockets = sockets;
    this.#errors = errors;
  }

  /** Sends what is due, `budget` packets at most. */
  run({ socket, remotes }: Underlay, budget: number, now: number): void {
    for (let sent = 0; sent < budget; sent++) {
      const packet = this.#engine.next(this.#memory.bytes, 0, now);
      if (packet === undefined) return;
      this.#batch.clear();
      if (packet.wholePacket) this.#sendPacket(packet, now);
      else this.#sendDatagram(packet, socket, remotes.get(packet.tunnelId), now);
    }
  }

  #sendPacket(packet: PathPacket, now: number): void {
    const family = (this.#memory.bytes[0] ?? 0) >>> 4 === 4 ? 4 : 6;
    const socket = this.#sockets.sender(family);
    if (socket === undefined) {
      this.#counters.drop('no_raw_socket');
      return;
    }
    this.#batch.addPacket(0, packet.length);
    this.#send(packet, socket, 'packet', family === 6, now);
  }

  #sendDatagram(
    packet: PathPacket,
    socket: DatagramSocket | undefined,
    remote: Uint8Array | undefined,
    now: number,
  ): void {
    if (socket === undefined || remote === undefined) {
      this.#counters.drop(socket === undefined ? 'no_underlay_socket' : 'unknown_peer');
      return;
    }
    this.#batch.add(0, packet.length, 0, remote, 0);
    this.#send(packet, socket, 'udp', remote.length === SOCKADDR_IN6_OCTETS, now);
  }

  #send({ kind }: PathPacket, socket: DatagramSocket, form: UnderlayForm, ipv6: boolean, now: number): void {
    const result = sendWhole(socket.fd, ipv6, () => sendOrSettle(socket, form, this.#batch, 0, 1, this.#errors));
    if (result > 0) return;
    // The packet has done its work: it is known not to fit.
    if (kind === 'probe' && result === -ERRNO.EMSGSIZE) this.#engine.refuse(now);
    else this.#counters.drop(dropReasonOf(-result));
  }
}

/** The largest IP packet. */
const PACKET_OCTETS = 65_536;
