import type { DataPlane, OutboundResult } from '@weft/ipsec-core';
import { allocate, DatagramBatch, ERRNO, type Memory, type Tun, type UdpSocket } from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';

/** Where protected packets go: changes with the bundle. */
export interface Underlay {
  readonly socket: UdpSocket | undefined;
  /** Socket address of the peer, by tunnel. */
  readonly remotes: ReadonlyMap<string, Uint8Array>;
}

/**
 * Device → engine → underlay, in batches. When the underlay takes no more, the batch stays and the device is not read:
 * the kernel's device queue, which is bounded, then does what a full queue does.
 */
export class OutboundPath {
  readonly #tun: Tun;
  readonly #dataPlane: DataPlane;
  readonly #counters: IoCounters;
  readonly #batch = new DatagramBatch(BATCH_SLOTS, SLOT_OCTETS);
  readonly #icmpError: Memory = allocate(ICMP_ERROR_OCTETS);
  /** More packets of the last one wait in the engine. */
  #more = false;
  #filled = 0;
  #sent = 0;

  constructor(tun: Tun, dataPlane: DataPlane, counters: IoCounters) {
    this.#tun = tun;
    this.#dataPlane = dataPlane;
    this.#counters = counters;
  }

  /** True while protected packets wait for the underlay, or in the engine for room in the batch. */
  get blocked(): boolean {
    return this.#sent < this.#filled || this.#more;
  }

  /** Moves up to `budget` packets. @returns how many came from the device. */
  run(underlay: Underlay, budget: number, now: number): number {
    if (!this.resume(underlay, now)) return 0;
    let taken = 0;
    while (taken < budget) {
      const length = this.#tun.read(this.#batch.memory, this.#batch.offset(this.#filled) + INNER_OFFSET, MAX_PACKET);
      if (length <= 0) break;
      taken++;
      this.#protect(length, underlay, now);
      if (!this.#protectMore(underlay, now)) break;
    }
    this.#flush(underlay);
    return taken;
  }

  /** Sends what waits. @returns false when some of it still does. */
  resume(underlay: Underlay, now: number): boolean {
    return this.#flush(underlay) && this.#protectMore(underlay, now) && this.#flush(underlay);
  }

  /** Takes from the engine what more became of the last packet. @returns false when the underlay is full. */
  #protectMore(underlay: Underlay, now: number): boolean {
    while (this.#filled < BATCH_SLOTS || this.#flush(underlay)) {
      if (!this.#more) return true;
      const start = this.#batch.offset(this.#filled);
      this.#place(this.#dataPlane.protectMore(this.#batch.bytes, start, now), underlay);
    }
    return false;
  }

  #flush(underlay: Underlay): boolean {
    const { socket } = underlay;
    while (this.#sent < this.#filled) {
      const waiting = this.#filled - this.#sent;
      if (socket === undefined) {
        this.#counters.drop('no_underlay_socket', waiting);
        break;
      }
      const result = socket.send(this.#batch, this.#sent, waiting);
      if (result === -ERRNO.EAGAIN) return false;
      if (result > 0) this.#sent += result;
      else if (result !== -ERRNO.EINTR) this.#abandonFirst(-result);
    }
    this.#filled = 0;
    this.#sent = 0;
    return true;
  }

  #protect(length: number, underlay: Underlay, now: number): void {
    const { bytes } = this.#batch;
    const start = this.#batch.offset(this.#filled);
    this.#place(this.#dataPlane.protect(bytes, start + INNER_OFFSET, length, bytes, start, now), underlay);
  }

  #place(result: OutboundResult, underlay: Underlay): void {
    this.#more = result.more;
    if (result.icmpErrorLength > 0) this.#report();
    // The engine has counted what it discards; what it holds comes out with the rest of its packet.
    if (result.verdict === 'discard' || result.verdict === 'held') return;
    if (result.verdict === 'bypass') {
      this.#counters.drop('bypass_not_offered');
      return;
    }
    const remote = underlay.remotes.get(result.tunnelId);
    if (remote === undefined) {
      this.#counters.drop('unknown_peer');
      return;
    }
    this.#batch.prepare(this.#filled, result.length, remote);
    this.#filled++;
  }

  /** Tells the source of a packet that it was too large: the message comes out of the device as the packet went in. */
  #report(): void {
    const length = this.#dataPlane.takeIcmpError(this.#icmpError.bytes, 0);
    if (this.#tun.write(this.#icmpError, 0, length) !== length) this.#counters.drop('device_write_failed');
  }

  #abandonFirst(errno: number): void {
    this.#sent++;
    if (errno === ERRNO.EMSGSIZE) this.#counters.drop('underlay_message_too_large');
    else if (UNREACHABLE.has(errno)) this.#counters.drop('underlay_unreachable');
    else this.#counters.drop('underlay_send_failed');
  }
}

const UNREACHABLE: ReadonlySet<number> = new Set([
  ERRNO.ENETUNREACH,
  ERRNO.EHOSTUNREACH,
  ERRNO.ENETDOWN,
  ERRNO.ECONNREFUSED,
]);
/** ESP header and IV of AES-GCM (RFC 4303, RFC 4106): a packet read to there is protected where it stands. */
const INNER_OFFSET = 16;
/** Largest packet that a TUN device hands over without offloads. */
const MAX_PACKET = 65_536;
/** Largest packet, ESP header, IV, padding, trailer and tag, rounded up. */
const SLOT_OCTETS = 65_536 + 128;
const BATCH_SLOTS = 32;
/** The longest ICMP error (RFC 4443 section 2.4(c)). */
const ICMP_ERROR_OCTETS = 1280;
