import { Secret } from '../bytes/secret.js';
import { HASH_LENGTH } from '../crypto/ike/hkdf.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { Reader } from '../wire/ike/reader.js';
import { attempt, IkeWireError, type Parsed } from '../wire/ike/wire-error.js';
import { Writer } from '../wire/ike/writer.js';
import { Chain } from './chain.js';
import { InboundWindow } from './inbound-window.js';
import { RootKeys } from './root-keys.js';

/** All that outlives a restart. */
export interface StoredState {
  readonly elapsed: number;
  readonly lastNow: number;
  /** Highest number that was offered or answered. */
  readonly highest: number;
  readonly inForce: number;
  /** Our last message; empty when there is none. */
  readonly published: Uint8Array;
  readonly roots: readonly RootKeys[];
}

/** Keys are those of the next associations only: what was in use cannot be made of it. */
export function encodeState(state: StoredState): Secret {
  const writer = new Writer(8192).uint8(VERSION);
  uint53(uint53(writer, state.elapsed), state.lastNow);
  writer.uint32(state.highest).uint32(state.inForce);
  writer.uint16(state.published.length).bytes(state.published).uint8(state.roots.length);
  // Keys go to their place and nowhere else: what a writer outgrows stays in memory.
  const keys: { readonly at: number; readonly key: Pick<Secret, 'reveal'> }[] = [];
  for (const root of state.roots) writeRoot(writer, root, keys);
  const octets = writer.finish();
  for (const { at, key } of keys) key.reveal((value) => octets.set(value, at));
  const secret = new Secret(octets);
  octets.fill(0);
  return secret;
}

/** Octets that are none of ours are refused whole: the tunnel then begins without any key. */
export function parseState(provider: CryptoProvider, octets: Uint8Array): Parsed<StoredState> {
  return attempt(() => {
    const reader = new Reader(octets, 'stored keys');
    const version = reader.uint8();
    if (version !== VERSION)
      throw new IkeWireError({ code: 'bad_value', what: 'version of stored keys', value: version });
    const elapsed = readUint53(reader);
    const lastNow = readUint53(reader);
    const highest = reader.uint32();
    const inForce = reader.uint32();
    const published = reader.take(reader.uint16()).slice();
    const roots = Array.from({ length: reader.uint8() }, () => readRoot(reader, provider));
    reader.finish();
    return { elapsed, lastNow, highest, inForce, published, roots };
  });
}

function writeRoot(
  writer: Writer,
  { name, confirmation, outbound, inbound }: RootKeys,
  keys: { readonly at: number; readonly key: Pick<Secret, 'reveal'> }[],
): void {
  const place = (key: Pick<Secret, 'reveal'>) => {
    keys.push({ at: writer.length, key });
    writer.zeros(HASH_LENGTH);
  };
  writer
    .uint32(name.number)
    .uint32(Number(name.epoch >> 32n))
    .uint32(Number(name.epoch & 0xffffffffn));
  writer.uint8(name.suite.keyingMaterialLength).uint8(name.suite.name.length);
  writer.bytes(Uint8Array.from(name.suite.name, (character) => character.charCodeAt(0)));
  uint53(writer, name.bornAt).bytes(name.offerDigest).bytes(name.transcript);
  place(confirmation);
  for (const chain of [outbound, inbound.neverInstalled]) {
    writer.uint32(chain.position);
    place(chain);
  }
}

function readRoot(reader: Reader, provider: CryptoProvider): RootKeys {
  const number = reader.uint32();
  const epoch = (BigInt(reader.uint32()) << 32n) | BigInt(reader.uint32());
  const keyingMaterialLength = reader.uint8();
  const suite = { name: String.fromCharCode(...reader.take(reader.uint8())), keyingMaterialLength };
  const bornAt = readUint53(reader);
  const [offerDigest, transcript] = [reader.take(HASH_LENGTH).slice(), reader.take(HASH_LENGTH).slice()];
  const confirmation = new Secret(reader.take(HASH_LENGTH));
  const chain = () => {
    const position = reader.uint32();
    return new Chain(provider, new Secret(reader.take(HASH_LENGTH)), position);
  };
  const outbound = chain();
  const window = new InboundWindow(chain(), keyingMaterialLength);
  const name = { number, epoch, suite, bornAt, offerDigest, transcript };
  return new RootKeys(name, confirmation, outbound, window, 0);
}

function uint53(writer: Writer, value: number): Writer {
  const whole = Math.max(0, Math.floor(value));
  return writer.uint32(Math.floor(whole / 2 ** 32)).uint32(whole % 2 ** 32);
}

function readUint53(reader: Reader): number {
  return reader.uint32() * 2 ** 32 + reader.uint32();
}

const VERSION = 1;
