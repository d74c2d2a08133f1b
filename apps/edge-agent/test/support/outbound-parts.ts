import { randomFillSync } from 'node:crypto';
import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  type PathMtuParameters,
  parsePrefix,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { ERRNO, SendBatch, type Tun, type TunOffloads, type UdpSocket } from '@weft/linux-io';

/** A device with packets to read, which keeps what is written. */
export class Device implements Tun {
  readonly name = 'test0';
  readonly fd = -1;
  readonly writeFd = -1;
  readonly offloads: TunOffloads;
  readonly waiting: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];

  constructor(offloads: TunOffloads) {
    this.offloads = offloads;
  }

  read(memory: { readonly bytes: Uint8Array }, offset: number): number {
    const packet = this.waiting.shift();
    if (packet === undefined) return -ERRNO.EAGAIN;
    memory.bytes.set(packet, offset);
    return packet.length;
  }

  write(memory: { readonly bytes: Uint8Array }, offset: number, length: number): number {
    this.written.push(memory.bytes.slice(offset, offset + length));
    return length;
  }

  writeGathered(): number {
    throw new Error('the outbound path writes no packets in pieces');
  }

  close(): void {
    this.waiting.length = 0;
  }
}

/** A socket that takes `room` messages and then says EAGAIN, and refuses what it is told to. */
export class Socket implements Pick<UdpSocket, 'fd' | 'send'> {
  readonly fd = -1;
  room = Number.POSITIVE_INFINITY;
  /** Error number for a message; 0 takes it. */
  judge: (segmentOctets: number, length: number) => number = () => 0;
  readonly messages: { segmentOctets: number; trafficClass: number }[] = [];
  /** Datagrams, as the kernel would send them. */
  readonly sent: Uint8Array[] = [];

  send(batch: SendBatch, first: number, count: number): number {
    if (!(batch instanceof SendBatch)) throw new TypeError('not a SendBatch');
    for (let message = first; message < first + count; message++) {
      const errno = this.room === 0 ? ERRNO.EAGAIN : this.judge(batch.segmentOctets(message), batch.length(message));
      if (errno !== 0) return message === first ? -errno : message - first;
      this.room--;
      this.#take(batch, message);
    }
    return count;
  }

  #take(batch: SendBatch, message: number): void {
    const segmentOctets = batch.segmentOctets(message);
    this.messages.push({ segmentOctets, trafficClass: batch.target(message).trafficClass });
    const [start, length] = [batch.offset(message), batch.length(message)];
    const size = segmentOctets === 0 ? length : segmentOctets;
    for (let at = 0; at < length; at += size) {
      this.sent.push(batch.memory.bytes.slice(start + at, start + Math.min(at + size, length)));
    }
  }
}

export function dataPlane(
  pathMtu?: PathMtuParameters,
  more: { readonly sentBy?: number; readonly memory?: SharedArrayBuffer; readonly ports?: boolean } = {},
): DataPlane {
  const { ports = false, ...rest } = more;
  const made = createDataPlane({ provider: nodeCryptoProvider, random: (out) => randomFillSync(out) });
  const selector = {
    localAddresses: [parsePrefix('10.1.0.0/16').range],
    remoteAddresses: [parsePrefix('10.2.0.0/16').range],
    protocol: ports ? 17 : 'any',
    localPorts: [],
    remotePorts: ports ? [{ first: 0, last: 65_534 }] : [],
  } as const;
  made.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'e', ruleId: 'r', selectors: [selector], action: 'PROTECT', tunnelId: 't' },
    ]),
  );
  const association = {
    tunnelId: 't',
    spi: 4096,
    protocol: 'esp',
    mode: 'tunnel',
    suite: 'aes-gcm-16',
    keyBits: 128,
    extendedSequenceNumbers: true,
    replayWindow: 64,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
    ...(pathMtu && { pathMtu }),
    ...(ports && { nonFirstFragmentsAlso: true }),
    ...rest,
  } as const;
  made.install({ ...association, direction: 'outbound', keyingMaterial: new Uint8Array(20) }, 0);
  return made;
}

/** The other end, to read what was sent. */
export function peer(ports = false): (datagram: Uint8Array) => Uint8Array {
  const made = createDataPlane({ provider: nodeCryptoProvider, random: (out) => randomFillSync(out) });
  const selector = {
    localAddresses: [parsePrefix('10.2.0.0/16').range],
    remoteAddresses: [parsePrefix('10.1.0.0/16').range],
    protocol: ports ? 17 : 'any',
    localPorts: ports ? [{ first: 0, last: 65_534 }] : [],
    remotePorts: [],
  } as const;
  made.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'e', ruleId: 'r', selectors: [selector], action: 'PROTECT', tunnelId: 't' },
    ]),
  );
  made.install(
    {
      direction: 'inbound',
      tunnelId: 't',
      spi: 4096,
      protocol: 'esp',
      mode: 'tunnel',
      suite: 'aes-gcm-16',
      keyBits: 128,
      keyingMaterial: new Uint8Array(20),
      extendedSequenceNumbers: true,
      replayWindow: 64,
      softLifetimeMilliseconds: 1e9,
      hardLifetimeMilliseconds: 1e9,
      nonFirstFragmentsAlso: true,
    },
    0,
  );
  return (datagram) => {
    const out = new Uint8Array(65_536);
    const { verdict, length, reason } = made.open(datagram, 0, datagram.length, out, 0, 1);
    if (verdict !== 'deliver') throw new Error(`not delivered: ${reason}`);
    return out.slice(0, length);
  };
}

/** UDP from 10.1.0.1 to 10.2.0.2, of `length` octets in all. */
export function packetOf(length: number, dontFragment: boolean): Uint8Array {
  const packet = new Uint8Array(length);
  packet.set([0x45, 0, length >>> 8, length & 255, 0, 7, dontFragment ? 0x40 : 0, 0, 64, 17, 0, 0]);
  packet.set([10, 1, 0, 1, 10, 2, 0, 2, 0, 1, 0, 2, (length - 20) >>> 8, (length - 20) & 255], 12);
  return packet;
}

/** A TCP super-packet of `payload` octets with the virtio header that the kernel puts in front. */
export function superPacket(payload: number, gsoSize: number): Uint8Array {
  const length = 40 + payload;
  const whole = new Uint8Array(10 + length);
  whole.set([1, 1, 40, 0, gsoSize & 255, gsoSize >>> 8, 20, 0, 16, 0]);
  whole.set([0x45, 0, length >>> 8, length & 255, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 1, 0, 1, 10, 2, 0, 2], 10);
  whole.set([0, 1, 0, 2, 0, 0, 0, 100, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0], 30);
  for (let i = 0; i < payload; i++) whole[50 + i] = i;
  return whole;
}

export const VIRTIO: TunOffloads = { virtioHeader: true, checksum: true, tcp: true, udp: true };
