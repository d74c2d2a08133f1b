import { createCipheriv, createSecretKey, randomFillSync } from 'node:crypto';
import {
  type CryptoProvider,
  createDataPlane,
  createSecurityPolicyDatabase,
  type EncryptionName,
  espKeyingMaterialLength,
  type IntegrityName,
  nobleProvider,
  parsePrefix,
  type SecurityPolicy,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { ipPacket, udp } from '../test/support/packets.js';

/** Nanoseconds and octets of garbage per packet. Run with --expose-gc, else the garbage column says n/a. */
interface Figure {
  readonly nanoseconds: number;
  readonly garbage: number | undefined;
}

const collect = (globalThis as { gc?: () => void }).gc;

function measure(work: () => void): Figure {
  const budget = 150_000_000n;
  const warmUntil = process.hrtime.bigint() + budget / 3n;
  while (process.hrtime.bigint() < warmUntil) work();
  let runs = 0;
  const start = process.hrtime.bigint();
  const until = start + budget;
  while (process.hrtime.bigint() < until) {
    for (let i = 0; i < 50; i++) work();
    runs += 50;
  }
  const nanoseconds = Number(process.hrtime.bigint() - start) / runs;
  if (collect === undefined) return { nanoseconds, garbage: undefined };
  // Few enough packets that no scavenge runs in between: the heap then only grows.
  const sample = 200;
  collect();
  const before = process.memoryUsage();
  for (let i = 0; i < sample; i++) work();
  const after = process.memoryUsage();
  return { nanoseconds, garbage: (after.heapUsed - before.heapUsed) / sample };
}

function report(name: string, { nanoseconds, garbage }: Figure): void {
  const octets = garbage === undefined ? 'n/a' : Math.max(0, garbage).toFixed(0);
  console.log(`${name.padEnd(62)} ${nanoseconds.toFixed(0).padStart(9)} ns ${octets.padStart(8)} octets`);
}

type Suite = readonly [EncryptionName, number, IntegrityName | undefined];

function planes(provider: CryptoProvider, [suite, keyBits, integrity]: Suite) {
  const selector = {
    localAddresses: [],
    remoteAddresses: [],
    protocol: 'any' as const,
    localPorts: [],
    remotePorts: [],
  };
  const database = createSecurityPolicyDatabase([
    { entryId: 'e', ruleId: 'r', selectors: [selector], action: 'PROTECT', tunnelId: 't' },
  ]);
  const plane = createDataPlane({ provider, random: (out) => void randomFillSync(out) });
  plane.installPolicy(database);
  const association = {
    tunnelId: 't',
    spi: 4096,
    protocol: 'esp',
    mode: 'tunnel',
    suite,
    keyBits,
    ...(integrity === undefined ? {} : { integrity }),
    keyingMaterial: new Uint8Array(espKeyingMaterialLength({ encryption: suite, keyBits, integrity })).fill(5),
    extendedSequenceNumbers: true,
    replayWindow: 1024,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
  } as const;
  plane.install({ ...association, direction: 'outbound' }, 0);
  plane.install({ ...association, direction: 'inbound' }, 0);
  return plane;
}

function benchPackets(): void {
  const suites: readonly Suite[] = [
    ['aes-gcm-16', 128, undefined],
    ['aes-gcm-16', 256, undefined],
    ['chacha20-poly1305', 256, undefined],
    ['aes-cbc', 128, 'hmac-sha2-256-128'],
  ];
  for (const provider of [nodeCryptoProvider, nobleProvider]) {
    for (const suite of suites) {
      for (const size of [64, 576, 1400]) {
        const plane = planes(provider, suite);
        const arena = new Uint8Array(8192);
        const packet = ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', payload: udp(1, 2, size - 20) });
        const name = `${provider.name} ${suite[0]}-${suite[1]} ${suite[2] ?? ''} ${size}`;
        arena.set(packet, 0);
        report(
          `seal ${name}`,
          measure(() => void plane.protect(arena, 0, size, arena, 2048, 1)),
        );
        report(
          `seal and open ${name}`,
          measure(() => {
            const { length } = plane.protect(arena, 0, size, arena, 2048, 1);
            if (plane.open(arena, 2048, length, arena, 4096, 1).verdict !== 'deliver') throw new Error('not delivered');
          }),
        );
      }
    }
  }
}

function benchRaw(): void {
  const key = createSecretKey(new Uint8Array(16));
  const iv = new Uint8Array(12);
  for (const size of [64, 576, 1400]) {
    const data = new Uint8Array(size);
    const work = () => {
      const cipher = createCipheriv('aes-128-gcm', key, iv);
      cipher.update(data);
      cipher.final();
      cipher.getAuthTag();
    };
    report(`raw node:crypto aes-128-gcm call ${size}`, measure(work));
  }
}

function benchPolicy(): void {
  for (const count of [10, 1000, 10_000]) {
    const entries: SecurityPolicy[] = Array.from({ length: count }, (_, i) => ({
      entryId: `e${i}`,
      ruleId: 'r',
      action: 'BYPASS',
      selectors: [
        {
          localAddresses: [parsePrefix(`10.${i >>> 8}.${i & 255}.0/24`).range],
          remoteAddresses: [parsePrefix('172.16.0.0/12').range],
          protocol: 17,
          localPorts: [],
          remotePorts: [{ first: 1, last: 1024 + (i % 7) }],
        },
      ],
    }));
    const start = process.hrtime.bigint();
    const plane = createDataPlane({ provider: nobleProvider, random: () => undefined });
    plane.installPolicy(createSecurityPolicyDatabase(entries));
    console.log(`SPD of ${count} entries compiled in ${Number(process.hrtime.bigint() - start) / 1e6} ms`);
    const out = new Uint8Array(0);
    const last = count - 1;
    const packet = ipPacket({
      source: `10.${last >>> 8}.${last & 255}.9`,
      destination: '172.16.0.9',
      payload: udp(1, 2, 8),
    });
    report(
      `SPD lookup hit ${count}`,
      measure(() => void plane.protect(packet, 0, 28, out, 0, 1)),
    );
    let port = 0;
    const miss = () => {
      port = (port + 7919) & 0xffffff;
      packet[13] = port >>> 16;
      packet[20] = port >>> 8;
      packet[21] = port;
      packet[18] = port >>> 3;
      plane.protect(packet, 0, 28, out, 0, 1);
    };
    report(`SPD lookup miss ${count}`, measure(miss));
  }
}

benchRaw();
benchPackets();
benchPolicy();
