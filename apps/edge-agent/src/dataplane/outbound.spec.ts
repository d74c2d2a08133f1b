import { randomFillSync } from 'node:crypto';
import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  type PathMtuParameters,
  parsePrefix,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { DatagramBatch, ERRNO, type Tun, type UdpSocket } from '@weft/linux-io';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { IoCounters } from './io-counters.js';
import { OutboundPath, type Underlay } from './outbound.js';

/** A device with packets to read, which keeps what is written. */
class Device implements Tun {
  readonly name = 'test0';
  readonly fd = -1;
  readonly waiting: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];

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

  close(): void {
    this.waiting.length = 0;
  }
}

/** A socket that takes `room` datagrams and then says EAGAIN. */
class Socket implements Pick<UdpSocket, 'send'> {
  room = Number.POSITIVE_INFINITY;
  readonly sent: Uint8Array[] = [];
  readonly #lengths = new Map<number, number>();

  /** What `prepare` is told goes into the kernel's structures, where a test cannot read it. */
  constructor() {
    vi.spyOn(DatagramBatch.prototype, 'prepare').mockImplementation((slot, length) => {
      this.#lengths.set(slot, length);
    });
  }

  send(batch: DatagramBatch, first: number, count: number): number {
    const taken = Math.min(count, this.room);
    if (taken === 0) return -ERRNO.EAGAIN;
    for (let slot = first; slot < first + taken; slot++) {
      const at = batch.offset(slot);
      this.sent.push(batch.bytes.slice(at, at + (this.#lengths.get(slot) ?? 0)));
    }
    this.room -= taken;
    return taken;
  }
}

function dataPlane(pathMtu: PathMtuParameters): DataPlane {
  const made = createDataPlane({ provider: nodeCryptoProvider, random: (out) => randomFillSync(out) });
  const selector = {
    localAddresses: [parsePrefix('10.1.0.0/16').range],
    remoteAddresses: [parsePrefix('10.2.0.0/16').range],
    protocol: 'any',
    localPorts: [],
    remotePorts: [],
  } as const;
  made.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'e', ruleId: 'r', selectors: [selector], action: 'PROTECT', tunnelId: 't' },
    ]),
  );
  made.install(
    {
      direction: 'outbound',
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
      pathMtu,
    },
    0,
  );
  return made;
}

/** UDP from 10.1.0.1 to 10.2.0.2, of `length` octets in all. */
function packetOf(length: number, dontFragment: boolean): Uint8Array {
  const packet = new Uint8Array(length);
  packet.set([0x45, 0, length >>> 8, length & 255, 0, 7, dontFragment ? 0x40 : 0, 0, 64, 17, 0, 0]);
  packet.set([10, 1, 0, 1, 10, 2, 0, 2, 0, 1, 0, 2], 12);
  return packet;
}

function path() {
  const device = new Device();
  const socket = new Socket();
  const engine = dataPlane({ mtu: 1400, underlay: { family: 4, udp: true } });
  const counters = new IoCounters();
  const made = new OutboundPath(device, engine, counters);
  const underlay: Underlay = { socket: socket as unknown as UdpSocket, remotes: new Map([['t', new Uint8Array(16)]]) };
  return { device, socket, engine, counters, path: made, underlay };
}

describe('outbound path', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('sends every piece of a packet that is too large, and goes on where the underlay stopped taking them', () => {
    const { device, socket, path: outbound, underlay, engine } = path();
    // 48 pieces: more than the batch holds.
    device.waiting.push(packetOf(64_000, false), packetOf(100, false));
    socket.room = 20;
    expect(outbound.run(underlay, 64, 1)).toBe(1);
    expect([socket.sent.length, outbound.blocked]).toEqual([20, true]);
    expect(outbound.run(underlay, 64, 1)).toBe(0);
    socket.room = 3;
    expect([outbound.resume(underlay, 1), outbound.blocked, socket.sent.length]).toEqual([false, true, 23]);
    socket.room = 100;
    expect(outbound.run(underlay, 64, 1)).toBe(1);
    expect(outbound.blocked).toBe(false);
    expect(socket.sent.map((packet) => (packet[7] ?? 0) + 256 * (packet[6] ?? 0))).toEqual(
      socket.sent.map((_, index) => index + 1),
    );
    expect(engine.tunnels()[0]?.outboundPackets).toBe(BigInt(socket.sent.length));
    expect(socket.sent.every((packet) => packet.length <= 1400 - 28)).toBe(true);
    expect(engine.drops().every(({ packets }) => packets === 0n)).toBe(true);
  });

  it('writes the ICMP error about a packet that is too large back to the device', () => {
    const { device, socket, path: outbound, underlay, engine } = path();
    device.waiting.push(packetOf(1390, true));
    outbound.run(underlay, 64, 1);
    expect([socket.sent.length, device.written.length]).toEqual([0, 1]);
    const [message = new Uint8Array()] = device.written;
    // ICMP type 3 code 4 with the next-hop MTU, to 10.1.0.1.
    expect([...message.slice(16, 22), (message[26] ?? 0) * 256 + (message[27] ?? 0)]).toEqual([
      10, 1, 0, 1, 3, 4, 1338,
    ]);
    expect(engine.icmpErrors().notTaken).toBe(0n);
  });
});
