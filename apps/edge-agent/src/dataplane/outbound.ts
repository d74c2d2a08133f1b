import type { DataPlane } from '@weft/ipsec-core';
import { DatagramBatch, ERRNO, type Tun, type UdpSocket } from '@weft/linux-io';
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
  #filled = 0;
  #sent = 0;

  constructor(tun: Tun, dataPlane: DataPlane, counters: IoCounters) {
    this.#tun = tun;
    this.#dataPlane = dataPlane;
    this.#counters = counters;
  }

  /** True while protected packets wait for the underlay. */
  get blocked(): boolean {
    return this.#sent < this.#filled;
  }

  /** Moves up to `budget` packets. @returns how many came from the device. */
  run(underlay: Underlay, budget: number, now: number): number {
    if (!this.flush(underlay)) return 0;
    let taken = 0;
    while (taken < budget) {
      const length = this.#tun.read(this.#batch.memory, this.#batch.offset(this.#filled) + INNER_OFFSET, MAX_PACKET);
      if (length <= 0) break;
      taken++;
      this.#protect(length, underlay, now);
      if (this.#filled === BATCH_SLOTS && !this.flush(underlay)) break;
    }
    this.flush(underlay);
    return taken;
  }

  /** Sends what waits. @returns false when some of it still does. */
  flush(underlay: Underlay): boolean {
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
    const slot = this.#filled;
    const { bytes } = this.#batch;
    const start = this.#batch.offset(slot);
    const result = this.#dataPlane.protect(bytes, start + INNER_OFFSET, length, bytes, start, now);
    // The engine has counted what it discards.
    if (result.verdict === 'discard') return;
    if (result.verdict === 'bypass') {
      this.#counters.drop('bypass_not_offered');
      return;
    }
    const remote = underlay.remotes.get(result.tunnelId);
    if (remote === undefined) {
      this.#counters.drop('unknown_peer');
      return;
    }
    this.#batch.prepare(slot, result.length, remote);
    this.#filled++;
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
