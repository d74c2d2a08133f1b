import { type EventFd, eventFdFromDescriptor, socketOfSpi } from '@weft/linux-io';
import { HandoverRing } from './handover-ring.js';

/** What a worker needs to pass packets to the others, and to be passed packets by them. */
export interface HandoverStart {
  readonly place: number;
  /** By place: of rings from that worker to this one, and from this one to that; none with itself. */
  readonly from: readonly (SharedArrayBuffer | undefined)[];
  readonly to: readonly (SharedArrayBuffer | undefined)[];
  /** By place. */
  readonly wakeUpFds: readonly number[];
}

/**
 * ESP packets that arrived at a worker whose association they are not: the kernel steers a run of datagrams by the first of
 * them, and a peer may send the packets of two associations in one run, above all when it changes keys.
 */
export class Handover {
  readonly inboxes: readonly HandoverRing[];
  readonly #place: number;
  readonly #outboxes: readonly (HandoverRing | undefined)[];
  readonly #wakeUps: readonly EventFd[];

  constructor({ place, from, to, wakeUpFds }: HandoverStart) {
    this.#place = place;
    this.inboxes = from.flatMap((buffer) => (buffer === undefined ? [] : [new HandoverRing(buffer)]));
    this.#outboxes = to.map((buffer) => buffer && new HandoverRing(buffer));
    this.#wakeUps = wakeUpFds.map((fd) => eventFdFromDescriptor(fd));
  }

  /** Whether the packets of an SPI are this worker's. */
  isOurs(spi: number): boolean {
    return socketOfSpi(spi, this.#wakeUps.length) === this.#place;
  }

  /** Passes a packet of another worker's on, with its ECN field. @returns false when there is no room. */
  pass(spi: number, packet: Uint8Array, offset: number, length: number, ecn: number): boolean {
    const place = socketOfSpi(spi, this.#wakeUps.length);
    if (this.#outboxes[place]?.put(packet, offset, length, ecn) !== true) return false;
    this.#wakeUps[place]?.signal();
    return true;
  }

  /** Has this worker come round again at once. */
  comeBack(): void {
    this.#wakeUps[this.#place]?.signal();
  }
}

/** Rings from every worker to every other. */
export function handoverRings(workers: number): (place: number) => Pick<HandoverStart, 'from' | 'to'> {
  const places = Array.from({ length: workers }, (_, place) => place);
  const rings = places.map((from) => places.map((to) => (from === to ? undefined : new HandoverRing().buffer)));
  return (place) => ({ from: rings.map((to) => to[place]), to: rings[place] ?? [] });
}
