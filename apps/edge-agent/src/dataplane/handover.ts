import { decodeSocketAddress, type Endpoint, type EventFd, eventFdFromDescriptor, socketOfSpi } from '@weft/linux-io';
import { HandoverRing } from './handover-ring.js';

/** By place: of rings from that worker to this one, and from this one to that; none with itself. */
interface Rings {
  readonly from: readonly (SharedArrayBuffer | undefined)[];
  readonly to: readonly (SharedArrayBuffer | undefined)[];
}

/** What a worker needs to pass packets to the others, and to be passed packets by them. */
export interface HandoverStart {
  readonly place: number;
  /** Of packets that arrived. */
  readonly protectedRings: Rings;
  /** Of packets that are to be protected. */
  readonly clearRings: Rings;
  /** By place. */
  readonly wakeUpFds: readonly number[];
}

/** How a clear packet that had to be put together came: see `DataPlane.protectReassembled`. */
export interface Reassembled {
  largestFragment: number;
  identification: number;
}

/**
 * Packets on their way from the worker that received them to the one whose association they are.
 *
 * ESP packets: the kernel steers a run of datagrams by the first of them, and a peer may send the packets of two associations
 * in one run, above all when it changes keys. Clear packets: the kernel spreads the flows over the queues of the device by a
 * hash that knows nothing of tunnels.
 *
 * A ring has one writer and one reader and keeps its order. What is passed on is always passed on by the same worker, to the
 * same one, as long as the queue of its flow and the owner of its association stay.
 */
export class Handover {
  readonly place: number;
  /** How many share the work. */
  readonly workers: number;
  readonly protectedInboxes: readonly (HandoverRing | undefined)[];
  readonly clearInboxes: readonly (HandoverRing | undefined)[];
  readonly #protectedOutboxes: readonly (HandoverRing | undefined)[];
  readonly #clearOutboxes: readonly (HandoverRing | undefined)[];
  readonly #wakeUps: readonly EventFd[];

  constructor({ place, protectedRings, clearRings, wakeUpFds }: HandoverStart) {
    this.place = place;
    this.workers = wakeUpFds.length;
    this.protectedInboxes = opened(protectedRings.from);
    this.clearInboxes = opened(clearRings.from);
    this.#protectedOutboxes = opened(protectedRings.to);
    this.#clearOutboxes = opened(clearRings.to);
    this.#wakeUps = wakeUpFds.map((fd) => eventFdFromDescriptor(fd));
  }

  /** Whether the packets of an SPI are this worker's. */
  isOurs(spi: number): boolean {
    return socketOfSpi(spi, this.workers) === this.place;
  }

  /** Where the packets of an SPI are passed on, to be written before `pass`: where this one came from, as the kernel has it. */
  noteOf(spi: number): Uint8Array | undefined {
    return this.#protectedOutboxes[socketOfSpi(spi, this.workers)]?.note;
  }

  /** Passes an ESP packet of another worker's on, with its ECN field. @returns false when there is no room. */
  pass(spi: number, packet: Uint8Array, offset: number, length: number, ecn: number): boolean {
    const place = socketOfSpi(spi, this.workers);
    return this.#put(this.#protectedOutboxes[place], place, packet, offset, length, ecn);
  }

  /**
   * Passes a clear packet to the worker in `place`: as the device gave it, its virtio header in front; or one that was put
   * together, without. @returns false when there is no room.
   */
  passClear(
    place: number,
    packet: Uint8Array,
    offset: number,
    length: number,
    reassembled: Readonly<Reassembled> | undefined,
  ): boolean {
    const ring = this.#clearOutboxes[place];
    if (ring !== undefined) writeUint32(ring.note, reassembled?.identification ?? 0);
    return this.#put(ring, place, packet, offset, length, reassembled?.largestFragment ?? 0);
  }

  /** Has that worker wake this one when it has taken something of what waits for it. `passClear` is to be tried once more then. */
  awaitRoom(place: number): void {
    this.#clearOutboxes[place]?.awaitRoom();
  }

  /** Something was taken of what the worker in `place` has passed on: it may wait for the room. */
  tellRoom(place: number): void {
    if (this.clearInboxes[place]?.isAwaited() === true) this.#wakeUps[place]?.signal();
  }

  /** Has this worker come round again at once. */
  comeBack(): void {
    this.#wakeUps[this.place]?.signal();
  }

  #put(
    ring: HandoverRing | undefined,
    place: number,
    packet: Uint8Array,
    offset: number,
    length: number,
    tag: number,
  ): boolean {
    if (ring?.put(packet, offset, length, tag) !== true) return false;
    // Otherwise it has been woken, and comes to this one by itself.
    if (ring.wasEmpty) this.#wakeUps[place]?.signal();
    return true;
  }
}

/** Where the ESP packet that was taken last came from. Allocates: not for every packet. */
export function sourceInNote(inbox: HandoverRing): Endpoint | undefined {
  return decodeSocketAddress(inbox.note);
}

/** How the clear packet that was taken last came; false: as it is. */
export function readReassembled(inbox: HandoverRing, out: Reassembled): boolean {
  out.largestFragment = inbox.tag;
  const { note } = inbox;
  out.identification = (((note[0] ?? 0) << 24) | ((note[1] ?? 0) << 16) | ((note[2] ?? 0) << 8) | (note[3] ?? 0)) >>> 0;
  return inbox.tag > 0;
}

/** Rings of both kinds from every worker to every other. */
export function handoverRings(
  workers: number,
): (place: number) => Pick<HandoverStart, 'protectedRings' | 'clearRings'> {
  const [protectedRings, clearRings] = [ringsOf(workers, PROTECTED_OCTETS), ringsOf(workers, CLEAR_OCTETS)];
  return (place) => ({ protectedRings: protectedRings(place), clearRings: clearRings(place) });
}

function ringsOf(workers: number, octets: number): (place: number) => Rings {
  const places = Array.from({ length: workers }, (_, place) => place);
  const rings = places.map((from) => places.map((to) => (from === to ? undefined : HandoverRing.of(octets).buffer)));
  return (place) => ({ from: rings.map((to) => to[place]), to: rings[place] ?? [] });
}

function opened(buffers: readonly (SharedArrayBuffer | undefined)[]): readonly (HandoverRing | undefined)[] {
  return buffers.map((buffer) => buffer && new HandoverRing(buffer));
}

function writeUint32(out: Uint8Array, value: number): void {
  out[0] = value >>> 24;
  out[1] = value >>> 16;
  out[2] = value >>> 8;
  out[3] = value;
}

/** Some hundred full packets: what arrives while the other worker is busy with one turn of its own. */
const PROTECTED_OCTETS = 1 << 18;
/** Some fifteen of the largest that the device gives in one piece. */
const CLEAR_OCTETS = 1 << 20;
