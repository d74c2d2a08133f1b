import {
  allocatePacketMemory,
  type DatagramSocket,
  type PacketMemory,
  SendBatch,
  SOCKADDR_IN6_OCTETS,
  sendWhole,
} from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';
import type { RawSockets } from './raw-sockets.js';
import { sendOrSettle } from './send-or-settle.js';
import { socketFor, type Underlay } from './underlay.js';
import type { UnderlayErrors, UnderlayForm } from './underlay-errors.js';

/** A packet that stands at the beginning of the memory. */
export interface LonePacket {
  readonly tunnelId: string;
  /** Whether it has its IP header; otherwise a socket writes that. */
  readonly wholePacket: boolean;
  readonly length: number;
}

/** What edges say to each other, on its way to the underlay: one by one, and none of it comes from the device. */
export class LonePackets {
  readonly memory: PacketMemory = allocatePacketMemory(PACKET_OCTETS);
  readonly #counters: IoCounters;
  readonly #sockets: Pick<RawSockets, 'sender'>;
  readonly #errors: UnderlayErrors;
  readonly #batch = new SendBatch(this.memory, 1);

  constructor(counters: IoCounters, sockets: Pick<RawSockets, 'sender'>, errors: UnderlayErrors) {
    this.#counters = counters;
    this.#sockets = sockets;
    this.#errors = errors;
  }

  /** Sends it, uncut. @returns the number of an error of the kernel; 0: it is gone, or was lost here, and counted. */
  send(packet: LonePacket, underlay: Underlay): number {
    this.#batch.clear();
    if (packet.wholePacket) return this.#sendPacket(packet.length);
    const remote = underlay.remotes.get(packet.tunnelId);
    const socket = remote === undefined ? underlay.socket : socketFor(underlay, remote);
    return this.#sendDatagram(packet.length, socket, remote);
  }

  #sendPacket(length: number): number {
    const family = (this.memory.bytes[0] ?? 0) >>> 4 === 4 ? 4 : 6;
    const socket = this.#sockets.sender(family);
    if (socket === undefined) {
      this.#counters.drop('no_raw_socket');
      return 0;
    }
    this.#batch.addPacket(0, length);
    return this.#send(socket, 'packet', family === 6);
  }

  #sendDatagram(length: number, socket: DatagramSocket | undefined, remote: Uint8Array | undefined): number {
    if (socket === undefined || remote === undefined) {
      this.#counters.drop(socket === undefined ? 'no_underlay_socket' : 'unknown_peer');
      return 0;
    }
    this.#batch.add(0, length, 0, remote, 0);
    return this.#send(socket, 'udp', remote.length === SOCKADDR_IN6_OCTETS);
  }

  #send(socket: DatagramSocket, form: UnderlayForm, ipv6: boolean): number {
    const result = sendWhole(socket.fd, ipv6, () => sendOrSettle(socket, form, this.#batch, 0, 1, this.#errors));
    return result > 0 ? 0 : -result;
  }
}

/** The largest IP packet. */
const PACKET_OCTETS = 65_536;
