import { randomFillSync } from 'node:crypto';
import {
  type AeadAlgorithm,
  type CryptoProvider,
  createDataPlane,
  createSecurityPolicyDatabase,
  type EncryptionName,
  nobleProvider,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { allocate } from '../src/ffi/memory.js';
import { findEvp } from '../src/openssl/evp.js';
import { findOpenSslProvider } from '../src/openssl/openssl-provider.js';

/**
 * Nanoseconds per packet of each provider next to the bare calls into OpenSSL, and of the whole engine with it. Each
 * figure is the best of many short windows: what the code costs when nothing else runs.
 */
const found = findOpenSslProvider();
const evp = findEvp();
if (found.kind !== 'found' || evp.kind !== 'found') throw new Error('OpenSSL cannot be called in this Node');
const providers: readonly CryptoProvider[] = [found.provider, nodeCryptoProvider, nobleProvider];
const functions = evp.evp;
const SIZES = [64, 576, 1400];
const BUDGET_NANOSECONDS = 200_000_000n;
const WINDOW_RUNS = 500;
const arena = allocate(8192).bytes;

function bareSeal(size: number): () => void {
  const memory = allocate(4096);
  const at = memory.address;
  const [iv, aad, outLength, packet] = [at + 64, at + 128, at + 192, at + 1024];
  const context = functions.EVP_CIPHER_CTX_new();
  functions.EVP_CipherInit_ex(context, functions.EVP_aes_128_gcm(), 0, at, iv, 1);
  return () => {
    functions.EVP_CipherInit_ex(context, 0, 0, 0, iv, -1);
    functions.EVP_CipherUpdate(context, 0, outLength, aad, 8);
    functions.EVP_CipherUpdate(context, packet, outLength, packet, size);
    functions.EVP_CipherFinal_ex(context, packet + size, outLength);
    functions.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, packet + size);
  };
}

function seal(provider: CryptoProvider, algorithm: AeadAlgorithm, keyLength: number, size: number): () => void {
  const keyed = provider.aead(algorithm, new Uint8Array(keyLength), 16, 'outbound');
  const nonce = new Uint8Array(algorithm === 'aes-ccm' ? 11 : 12);
  const aad = new Uint8Array(8);
  return () => keyed.seal(nonce, aad, 8, arena, 64, size);
}

function open(provider: CryptoProvider, algorithm: AeadAlgorithm, keyLength: number, size: number): () => void {
  seal(provider, algorithm, keyLength, size)();
  const keyed = provider.aead(algorithm, new Uint8Array(keyLength), 16, 'inbound');
  const nonce = new Uint8Array(algorithm === 'aes-ccm' ? 11 : 12);
  const aad = new Uint8Array(8);
  return () => {
    if (!keyed.open(nonce, aad, 8, arena, 64, size, arena, 4096)) throw new Error('not authentic');
  };
}

function engine(provider: CryptoProvider, suite: EncryptionName, size: number, both: boolean): () => void {
  const plane = createDataPlane({ provider, random: (out) => void randomFillSync(out) });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] } as const;
  plane.installPolicy(
    createSecurityPolicyDatabase([{ entryId: 'e', ruleId: 'r', selectors: [any], action: 'PROTECT', tunnelId: 't' }]),
  );
  const association = {
    tunnelId: 't',
    spi: 4096,
    protocol: 'esp',
    mode: 'tunnel',
    suite,
    keyBits: 128,
    keyingMaterial: new Uint8Array(20),
    extendedSequenceNumbers: true,
    replayWindow: 1024,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
  } as const;
  plane.install({ ...association, direction: 'outbound' }, 0);
  plane.install({ ...association, direction: 'inbound' }, 0);
  arena.set([0x45, 0, size >>> 8, size & 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2], 16);
  return () => {
    // In place would encrypt ciphertext from the second packet on: the headers must stay readable.
    const { length, verdict } = plane.protect(arena, 16, size, arena, 2048, 1);
    if (verdict !== 'transmit') throw new Error('not protected');
    if (both && plane.open(arena, 2048, length, arena, 4096, 1).verdict !== 'deliver') throw new Error('not delivered');
  };
}

function report(name: string, prepare: (size: number) => () => void): void {
  const figures = SIZES.map((size) => bestWindow(prepare(size)).toFixed(0).padStart(13));
  console.log(`${name.padEnd(56)}${figures.join('')}`);
}

function bestWindow(work: () => void): number {
  const until = process.hrtime.bigint() + BUDGET_NANOSECONDS;
  let best = Number.POSITIVE_INFINITY;
  while (process.hrtime.bigint() < until) {
    const start = process.hrtime.bigint();
    for (let run = 0; run < WINDOW_RUNS; run++) work();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / WINDOW_RUNS);
  }
  return best;
}

function main(): void {
  console.log(`Node ${process.version}, OpenSSL ${process.versions.openssl}; nanoseconds per packet`);
  console.log(`${''.padEnd(56)}${SIZES.map((size) => `${size} octets`.padStart(13)).join('')}`);
  report('bare EVP calls, aes-gcm 128: seal', (size) => bareSeal(size));
  for (const [algorithm, keyLength] of [
    ['aes-gcm', 16],
    ['aes-gcm', 32],
    ['chacha20-poly1305', 32],
    ['aes-ccm', 16],
  ] as const) {
    for (const provider of providers) {
      report(`${provider.name} ${algorithm} ${keyLength * 8}: seal`, (size) =>
        seal(provider, algorithm, keyLength, size),
      );
      report(`${provider.name} ${algorithm} ${keyLength * 8}: open`, (size) =>
        open(provider, algorithm, keyLength, size),
      );
    }
  }
  for (const provider of providers) {
    report(`engine on ${provider.name}, aes-gcm-16 128: protect`, (size) =>
      engine(provider, 'aes-gcm-16', size, false),
    );
    report(`engine on ${provider.name}, aes-gcm-16 128: protect, open`, (size) =>
      engine(provider, 'aes-gcm-16', size, true),
    );
  }
}

main();
