import { createHash } from 'node:crypto';
import {
  type AeadRuns,
  type CryptoProvider,
  type DataPlane,
  type EspAssociationParameters,
  type PacketRun,
  RUN_PACKETS,
  RUN_STRIDE,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, bypass, drops, plane, protect, selector } from '../../test/support/planes.js';

/** The oracle of a run is the same packets one after the other. */
const NET = { a: ['10.1.0.0/16', '2001:db8:1::/48'], b: ['10.2.0.0/16', '2001:db8:2::/48'] };
const ENDS = { 4: ['10.1.0.1', '10.2.0.2'], 6: ['2001:db8:1::1', '2001:db8:2::2'] } as const;

describe('packets of one run', () => {
  it('are protected as they are one by one, whatever the association and the policy say', () => {
    let together = 0;
    const most = fc.record({ sizes: sizes(), family: fc.constantFrom(4 as const, 6 as const), oddity: oddity() });
    fc.assert(
      fc.property(most, parameters(), fc.boolean(), fc.nat(4000), ({ sizes, family, oddity }, more, runs, room) => {
        const packets = sizes.map((size) => clearPacket(family, size, oddity));
        const [one, other] = [sender(more, runs), sender(more, runs)];
        const apart = packets.map((packet) => protectAlone(one, packet, room + 1600));
        const { sent, largest } = protectTogether(other, packets, room + 1600);
        together += largest > 1 ? 1 : 0;
        expect(sent).toEqual(apart);
        expect(stateOf(other)).toEqual(stateOf(one));
      }),
      { numRuns: 100 },
    );
    expect(together).toBeGreaterThan(20);
  });

  it('are opened as they are one by one: repeated, changed, of another association, in any order', () => {
    let together = 0;
    fc.assert(
      fc.property(arrival(), parameters(), fc.boolean(), ({ sizes, picks, last }, more, runs) => {
        const a = sender({ ...more, hardPackets: 1e9 }, false);
        const sealed = sizes.flatMap((size) => protectAlone(a, clearPacket(4, size), 4000).packet ?? []);
        fc.pre(sealed.length > 0);
        const message = messageOf(sealed, picks, last);
        const [one, other] = [receiver(more, runs), receiver(more, runs)];
        const apart = openAlone(one, message);
        const { opened, largest } = openTogether(other, message);
        together += largest > 1 ? 1 : 0;
        expect(opened).toEqual(apart);
        // In a run that uses the association up, what would have been refused anyway may be refused for that, or not.
        const stateFor = more.hardPackets === undefined && more.hardBytes === undefined ? stateOf : stateWithoutReasons;
        expect(stateFor(other)).toEqual(stateFor(one));
      }),
      { numRuns: 150 },
    );
    expect(together).toBeGreaterThan(50);
  });

  it('of arbitrary octets and any size are what they are one by one, and each is counted', () => {
    const octets = fc.uint8Array({ minLength: 1, maxLength: 2000 });
    fc.assert(
      fc.property(
        octets,
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.nat(40)),
        parameters(),
        (all, size, ours, more) => {
          const message = { octets: all.slice(), size };
          // Otherwise nearly none would name an association.
          for (const datagram of ours) writeSpi(message.octets, datagram * size);
          const [one, other] = [receiver(more, true), receiver(more, true)];
          expect(openTogether(other, message).opened).toEqual(openAlone(one, message));
          expect(stateOf(other)).toEqual(stateOf(one));
          const refused = Object.values(drops(other)).reduce((sum, packets) => sum + packets, 0);
          expect(refused).toBe(Math.ceil(all.length / size));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('leave no plaintext of what is not authentic', () => {
    const b = receiver({}, false);
    const a = sender({}, false);
    const sealed = [0, 1].flatMap(() => protectAlone(a, clearPacket(4, 64), 4000).packet ?? []);
    const packets = Buffer.concat(sealed);
    packets[packets.length - 1] = (packets[packets.length - 1] ?? 0) ^ 1;
    const out = new Uint8Array(1000);
    const size = packets.length / 2;
    const run = b.openRun(packets, 0, size, packets.length, out, 0, 1);
    expect([run.packets, run.delivered]).toEqual([2, 1]);
    expect(out.subarray(Math.ceil(size / 16) * 16)).toEqual(new Uint8Array(out.length - Math.ceil(size / 16) * 16));
    expect(drops(b)).toEqual({ integrity_failed: 1 });
  });
});

type More = Partial<EspAssociationParameters>;

function parameters(): fc.Arbitrary<More> {
  const suites = fc.constantFrom<Partial<EspAssociationParameters>>(
    {},
    { extendedSequenceNumbers: false },
    { suite: 'chacha20-poly1305', keyBits: 256, keyingMaterial: key(36) },
    { suite: 'aes-ccm-16', keyingMaterial: key(19) },
    { suite: 'aes-gcm-16-iiv' },
    { suite: 'aes-gmac', keyingMaterial: key(20) },
    { suite: 'aes-cbc', integrity: 'hmac-sha2-256-128', keyingMaterial: key(48) },
  );
  const others = fc.constantFrom<More>(
    {},
    {},
    {},
    { hardPackets: 5, softPackets: 4 },
    { hardBytes: 3000, softBytes: 2000 },
    { padTo: 256 },
    { pathMtu: { mtu: 1000, underlay: { family: 4, udp: true } } },
    { mode: 'transport' },
  );
  return fc.tuple(suites, others).map(([suite, other]) => ({ ...suite, ...other }));
}

/** What large segments are taken apart into, and what they are not: a long packet among short ones. */
function sizes(): fc.Arbitrary<readonly number[]> {
  const size = fc.integer({ min: 8, max: 1300 });
  const segments = fc
    .record({ size, count: fc.integer({ min: 1, max: 90 }), last: fc.double({ min: 0, max: 1, noNaN: true }) })
    .map(({ size, count, last }) => [...new Array<number>(count).fill(size), 8 + Math.floor((size - 8) * last)]);
  return fc.oneof({ weight: 4, arbitrary: segments }, { weight: 1, arbitrary: fc.array(size, { maxLength: 20 }) });
}

type Oddity = 'none' | 'elsewhere' | 'bypassed' | 'fragment' | 'syn';
const oddity = () => fc.constantFrom<Oddity>('none', 'none', 'none', 'elsewhere', 'bypassed', 'fragment', 'syn');

function clearPacket(family: 4 | 6, size: number, oddity: Oddity = 'none'): Uint8Array {
  const [source, inside] = ENDS[family];
  const elsewhere = family === 4 ? { elsewhere: '10.3.0.1', bypassed: '10.4.0.1' } : undefined;
  const other = oddity === 'elsewhere' || oddity === 'bypassed' ? elsewhere?.[oddity] : undefined;
  const fields = { source, destination: other ?? inside };
  if (oddity === 'fragment' && family === 4) return ipPacket({ ...fields, payload: udp(7, 9, size), fragment: 0x2000 });
  if (oddity !== 'syn') return ipPacket({ ...fields, payload: udp(7, 9, size) });
  const segment = new Uint8Array(Math.max(20, size));
  segment.set([0, 7, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02]);
  return ipPacket({ ...fields, protocol: 6, payload: segment });
}

function sender(more: More, runs: boolean): DataPlane {
  const made = plane([protect('e', selector(NET.a, NET.b)), bypass('f', selector(NET.a, ['10.4.0.0/16']))], {
    provider: runs ? withRuns : nodeCryptoProvider,
    random: counting(),
  });
  made.install(association('outbound', more), 0);
  return made;
}

function receiver(more: More, runs: boolean): DataPlane {
  const made = plane([protect('e', selector(NET.b, NET.a))], {
    provider: runs ? withRuns : nodeCryptoProvider,
    random: counting(),
  });
  const { pathMtu: _, ...rest } = more;
  made.install(association('inbound', rest), 0);
  made.install(association('inbound', { spi: OTHER_SPI, keyingMaterial: key(20) }), 0);
  return made;
}

interface Outcome {
  readonly verdict: string;
  readonly reason: string | undefined;
  readonly trafficClass: number;
  readonly wholePacket: boolean;
  readonly packet: Uint8Array | undefined;
}

/** `room`: octets of memory behind where the packet is protected. */
function protectAlone(from: DataPlane, packet: Uint8Array, room: number): Outcome {
  const memory = new Uint8Array(room);
  memory.set(packet, 16);
  const { verdict, reason, length, trafficClass, wholePacket } = from.protect(memory, 16, packet.length, memory, 0, 1);
  const sent = { verdict, reason, trafficClass, wholePacket };
  return { ...sent, packet: verdict === 'transmit' ? memory.slice(0, length) : undefined };
}

function protectTogether(from: DataPlane, packets: readonly Uint8Array[], room: number) {
  const sent: Outcome[] = [];
  let largest = 0;
  // What was protected before is taken away, so that each call finds as much room.
  while (sent.length < packets.length) {
    const memory = new Uint8Array(room);
    const run: PacketRun = {
      write(index, offset) {
        const packet = packets[index] ?? new Uint8Array(0);
        memory.set(packet.subarray(0, memory.length - offset), offset);
        return packet.length;
      },
    };
    const result = from.protectRun(run, sent.length, packets.length - sent.length, memory, 0, 1);
    const { verdict, reason, trafficClass, wholePacket, packetLength, length } = result;
    const common = { verdict, reason, trafficClass, wholePacket };
    if (verdict !== 'transmit') sent.push({ ...common, packet: undefined });
    for (let at = 0; verdict === 'transmit' && at < length; at += packetLength) {
      sent.push({ ...common, packet: memory.slice(at, Math.min(length, at + packetLength)) });
    }
    largest = Math.max(largest, result.packets);
  }
  return { sent, largest };
}

interface Message {
  readonly octets: Uint8Array;
  readonly size: number;
}

function arrival() {
  const pick = fc.record({
    from: fc.nat(100),
    change: fc.constantFrom('none', 'none', 'none', 'none', 'flip', 'other-spi', 'ike', 'short-sequence'),
    at: fc.nat(2000),
  });
  return fc.record({
    sizes: fc
      .tuple(fc.integer({ min: 8, max: 400 }), fc.integer({ min: 1, max: 70 }))
      .map(([size, count]) => new Array<number>(count).fill(size)),
    picks: fc.array(pick, { minLength: 1, maxLength: 100 }),
    last: fc.nat(600),
  });
}

/** One message of datagrams of one size; the last may have been cut. */
function messageOf(
  sealed: readonly Uint8Array[],
  picks: readonly { readonly from: number; readonly change: string; readonly at: number }[],
  last: number,
): Message {
  const size = sealed[0]?.length ?? 0;
  const datagrams = picks.map(({ from, change, at }, index) => {
    // Mostly in order, so that runs come about.
    const octets = (sealed[(change === 'none' ? index : from) % sealed.length] ?? new Uint8Array(size)).slice();
    if (change === 'flip') octets[at % size] = (octets[at % size] ?? 0) ^ 0x10;
    if (change === 'other-spi') new DataView(octets.buffer).setUint32(0, OTHER_SPI);
    if (change === 'ike') new DataView(octets.buffer).setUint32(0, 0);
    if (change === 'short-sequence') new DataView(octets.buffer).setUint32(4, at % 3);
    return octets;
  });
  const octets = Uint8Array.from(Buffer.concat(datagrams));
  return { octets: octets.subarray(0, Math.max(1, octets.length - (last % size))), size };
}

function openAlone(at: DataPlane, { octets, size }: Message): Uint8Array[] {
  const opened: Uint8Array[] = [];
  for (let offset = 0; offset < octets.length; offset += size) {
    const out = new Uint8Array(size + 16);
    const length = Math.min(size, octets.length - offset);
    const result = at.open(octets, offset, length, out, 0, 1);
    if (result.verdict === 'deliver') opened.push(out.slice(0, result.length));
  }
  return opened;
}

function openTogether(at: DataPlane, { octets, size }: Message) {
  const opened: Uint8Array[] = [];
  let largest = 0;
  for (let offset = 0; offset < octets.length; ) {
    const out = new Uint8Array(octets.length + 16 * RUN_PACKETS + 64);
    const run = at.openRun(octets, offset, size, octets.length - offset, out, 48, 1);
    for (let packet = 0; packet < run.delivered; packet++) {
      const [start = 0, length = 0] = [run.offsets[packet], run.lengths[packet]];
      expect(start % 16).toBe(0);
      opened.push(out.slice(start, start + length));
    }
    largest = Math.max(largest, run.packets);
    if (run.packets === 0) {
      const length = Math.min(size, octets.length - offset);
      const result = at.open(octets, offset, length, out, 0, 1);
      if (result.verdict === 'deliver') opened.push(out.slice(0, result.length));
    }
    offset += Math.max(1, run.packets) * size;
  }
  return { opened, largest };
}

/** Of the association of every receiver here, if there is room. */
function writeSpi(octets: Uint8Array, offset: number): void {
  if (offset + 4 <= octets.length) new DataView(octets.buffer).setUint32(offset, 0x1000);
}

function stateOf(of: DataPlane) {
  return { drops: drops(of), tunnels: of.tunnels(), policies: of.policies(), associations: of.associations() };
}

/** Of what was discarded only how much it is. */
function stateWithoutReasons(of: DataPlane) {
  const { drops: all, tunnels, policies, associations } = stateOf(of);
  const total = (some: readonly { readonly packets: bigint }[]) => some.reduce((sum, { packets }) => sum + packets, 0n);
  return {
    drops: Object.values(all).reduce((sum, packets) => sum + packets, 0),
    tunnels: tunnels.map((tunnel) => ({ ...tunnel, drops: total(tunnel.drops) })),
    policies: policies.map((policy) => ({ ...policy, drops: total(policy.drops) })),
    associations,
  };
}

function key(length: number): Uint8Array {
  return Uint8Array.from(createHash('sha512').update('run').digest().subarray(0, length));
}

/** The same octets for every engine. */
function counting(): (out: Uint8Array) => void {
  let next = 0;
  return (out) => {
    for (let i = 0; i < out.length; i++) out[i] = next++ * 167;
  };
}

/** Packets in runs, for those algorithms whose nonces have the usual length. */
const withRuns: CryptoProvider = {
  ...nodeCryptoProvider,
  aead(algorithm, keyOctets, tagLength, direction) {
    const aead = nodeCryptoProvider.aead(algorithm, keyOctets, tagLength, direction);
    if (algorithm === 'aes-ccm') return aead;
    const words = () => new Uint32Array((RUN_PACKETS * RUN_STRIDE) / 4);
    const numbers = () => new Int32Array(RUN_PACKETS);
    const packets = {
      nonces: words(),
      aads: words(),
      offsets: numbers(),
      lengths: numbers(),
      outOffsets: numbers(),
      authentic: new Uint8Array(RUN_PACKETS),
    };
    const { nonces, aads, offsets, lengths, outOffsets, authentic } = packets;
    const of = (all: Uint32Array, index: number, length: number) =>
      new Uint8Array(all.buffer, index * RUN_STRIDE, length);
    const runs: AeadRuns = {
      packets,
      seal(count, aadLength, buffer) {
        for (let i = 0; i < count; i++) {
          aead.seal(of(nonces, i, 12), of(aads, i, aadLength), aadLength, buffer, offsets[i] ?? 0, lengths[i] ?? 0);
        }
      },
      open(count, aadLength, buffer, out) {
        for (let i = 0; i < count; i++) {
          const [at = 0, length = 0, to = 0] = [offsets[i], lengths[i], outOffsets[i]];
          const [nonce, aad] = [of(nonces, i, 12), of(aads, i, aadLength)];
          authentic[i] = aead.open(nonce, aad, aadLength, buffer, at, length, out, to) ? 1 : 0;
        }
      },
    };
    return { seal: aead.seal.bind(aead), open: aead.open.bind(aead), destroy: () => aead.destroy(), runs };
  },
};

const OTHER_SPI = 0x2000;
