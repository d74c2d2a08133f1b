import { randomFillSync } from 'node:crypto';
import {
  type CryptoProvider,
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  type EncryptionName,
  espKeyingMaterialLength,
  type IntegrityName,
  nobleProvider,
  type SecurityAssociationParameters,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { ipPacket, udp } from '../test/support/packets.js';
import { type Cost, measure } from './measure.js';
import { RAW } from './raw.js';

export interface PacketFigure {
  readonly provider: string;
  readonly suite: string;
  /** Octets of the clear packet. */
  readonly size: number;
  readonly seal: Cost;
  readonly open: Cost;
  /** Undefined where there is no bare call to compare with. */
  readonly raw: Cost | undefined;
}

/** Seal and open in tunnel mode, in place, with every provider or with one of this name. */
export function* packetFigures(only: string | undefined): Generator<PacketFigure> {
  for (const provider of [idleProvider, nodeCryptoProvider, nobleProvider]) {
    if (only !== undefined && provider.name !== only) continue;
    for (const [suite, association] of Object.entries(SUITES)) {
      for (const size of [64, 576, 1400]) {
        const raw = RAW[provider.name]?.[suite];
        const data = new Uint8Array(size);
        yield {
          provider: provider.name,
          suite,
          size,
          ...sealAndOpen(provider, association, size),
          raw: raw === undefined ? undefined : measure({ count: BATCH, work: () => repeat(BATCH, () => raw(data)) }),
        };
      }
    }
  }
}

/** In place, or `apart`: from one array to another. */
export function sealAndOpen(
  provider: CryptoProvider,
  association: Association,
  size: number,
  budgetMilliseconds?: number,
  apart = false,
): { readonly seal: Cost; readonly open: Cost } {
  const plane = planeOf(provider, association);
  const packet = ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', payload: udp(1, 2, size - 20) });
  const arena = new Uint8Array(HEADROOM + size + ROOM);
  const other = apart ? new Uint8Array(arena.length) : undefined;
  const clear = () => arena.set(packet, HEADROOM);
  // One packet after the other in one place, as from a TUN device; the clear octets are put back, which costs a copy.
  const sealing = {
    count: BATCH,
    work: () =>
      repeat(BATCH, () => {
        clear();
        const { verdict } = plane.protect(arena, HEADROOM, size, other ?? arena, 0, 1);
        if (verdict !== 'transmit') throw new Error('not sealed');
      }),
  };
  const slot = HEADROOM + size + ROOM;
  const sealed = new Uint8Array(BATCH * slot);
  let length = 0;
  const opening = {
    count: BATCH,
    prepare() {
      for (let i = 0; i < BATCH; i++) length = plane.protect(packet, 0, size, sealed, i * slot, 1).length;
    },
    work() {
      for (let i = 0; i < BATCH; i++) {
        const { verdict } = plane.openIp(sealed, i * slot, length, other ?? sealed, apart ? 0 : i * slot, 1);
        if (verdict !== 'deliver') throw new Error('not delivered');
      }
    },
  };
  return { seal: measure(sealing, budgetMilliseconds), open: measure(opening, budgetMilliseconds) };
}

function planeOf(provider: CryptoProvider, association: Association): DataPlane {
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any' as const, localPorts: [], remotePorts: [] };
  const plane = createDataPlane({ provider, random: randomOf(provider) });
  plane.installPolicy(
    createSecurityPolicyDatabase([{ entryId: 'e', ruleId: 'r', selectors: [any], action: 'PROTECT', tunnelId: 't' }]),
  );
  const ends = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)] as const;
  const common = {
    tunnelId: 't',
    spi: 4096,
    mode: 'tunnel',
    extendedSequenceNumbers: true,
    replayWindow: 1024,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
  } as const;
  plane.install({ ...common, ...association, direction: 'outbound', outer: { local: ends[0], remote: ends[1] } }, 0);
  plane.install({ ...common, ...association, direction: 'inbound', outer: { local: ends[1], remote: ends[0] } }, 0);
  return plane;
}

type Distribute<T> = T extends SecurityAssociationParameters
  ? Pick<T, Extract<keyof T, 'protocol' | 'suite' | 'keyBits' | 'integrity' | 'keyingMaterial'>>
  : never;
export type Association = Distribute<SecurityAssociationParameters>;

function esp(suite: EncryptionName, keyBits: number, integrity?: IntegrityName): Association {
  const length = espKeyingMaterialLength({ encryption: suite, keyBits, integrity });
  return {
    protocol: 'esp',
    suite,
    keyBits,
    ...(integrity === undefined ? {} : { integrity }),
    keyingMaterial: new Uint8Array(length).fill(5),
  };
}

export const SUITES: Readonly<Record<string, Association>> = {
  'aes-gcm-16-128': esp('aes-gcm-16', 128),
  'aes-gcm-16-256': esp('aes-gcm-16', 256),
  'aes-ccm-16-128': esp('aes-ccm-16', 128),
  'chacha20-poly1305-256': esp('chacha20-poly1305', 256),
  'aes-gmac-128': esp('aes-gmac', 128),
  'aes-cbc-128 hmac-sha2-256-128': esp('aes-cbc', 128, 'hmac-sha2-256-128'),
  'aes-ctr-128 hmac-sha2-256-128': esp('aes-ctr', 128, 'hmac-sha2-256-128'),
  'null-0 hmac-sha2-256-128': esp('null', 0, 'hmac-sha2-256-128'),
  'AH hmac-sha2-256-128': { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) },
};

/** Does no cryptography at all: what is left is the engine. */
export const idleProvider: CryptoProvider = {
  ...nobleProvider,
  name: 'engine alone',
  aead: (_, __, tagLength) => ({
    seal: (_nonce, _aad, _aadLength, buffer, offset, length) =>
      void buffer.fill(0, offset + length, offset + length + tagLength),
    open(_nonce, _aad, _aadLength, buffer, offset, length, out, outOffset) {
      move(buffer, offset, length, out, outOffset);
      return true;
    },
    destroy: () => undefined,
  }),
  cipher: () => ({
    apply(_iv, buffer, offset, length, out, outOffset) {
      move(buffer, offset, length, out, outOffset);
    },
    destroy: () => undefined,
  }),
  mac: () => ({ compute: () => undefined, destroy: () => undefined }),
  gmac: () => ({ compute: () => undefined, destroy: () => undefined }),
};

/** As a cipher moves octets to another array: without a view. */
function move(from: Uint8Array, offset: number, length: number, out: Uint8Array, outOffset: number): void {
  if (from !== out) for (let i = 0; i < length; i++) out[outOffset + i] = from[offset + i] ?? 0;
  else if (offset !== outOffset) out.copyWithin(outOffset, offset, offset + length);
}

/** The engine alone takes its IVs from nowhere. */
function randomOf(provider: CryptoProvider): (out: Uint8Array) => void {
  return provider === idleProvider ? () => undefined : (out) => void randomFillSync(out);
}

function repeat(times: number, work: () => void): void {
  for (let i = 0; i < times; i++) work();
}

/** Few, so that some rounds are disturbed by nothing. */
const BATCH = 40;
/** In front of a clear packet: outer header, SPI, sequence number and IV, so that the payload need not move. */
const HEADROOM = 44;
const ROOM = 128;
