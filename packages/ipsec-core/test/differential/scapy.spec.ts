import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createDataPlane,
  createEspTransform,
  createSecurityPolicyDatabase,
  type DataPlane,
  type EncryptionName,
  espLengths,
  fromHex,
  type IntegrityName,
  nobleProvider,
  parseAddress,
  type SecurityAssociationParameters,
  toHex,
} from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../support/packets.js';

const PYTHON = '/usr/bin/python3';
/** Where `npm test` as root unpacks scapy, and what scapy computes with (tools/setup/test-peers.mjs); what is already on the path goes first. */
const UNPACKED = ['scapy', 'python-cryptography'].map((name) =>
  fileURLToPath(new URL(`../../../../.weft/${name}/usr/lib/python3/dist-packages`, import.meta.url)),
);
const PYTHONPATH = [process.env['PYTHONPATH'] ?? '', ...UNPACKED].filter((each) => each !== '').join(':');
const OPTIONS = { encoding: 'utf8', env: { ...process.env, PYTHONPATH }, maxBuffer: 64 << 20 } as const;

/** Ours, scapy's name, key bits, octets of salt. */
const ENCRYPTIONS: readonly (readonly [EncryptionName, string, number, number])[] = [
  ['aes-gcm-16', 'AES-GCM', 128, 4],
  ['aes-gcm-16', 'AES-GCM', 192, 4],
  ['aes-gcm-16', 'AES-GCM', 256, 4],
  ['aes-ccm-16', 'AES-CCM', 128, 3],
  ['aes-ccm-16', 'AES-CCM', 256, 3],
  ['chacha20-poly1305', 'CHACHA20-POLY1305', 256, 4],
  ['aes-gmac', 'AES-NULL-GMAC', 128, 4],
  ['aes-gmac', 'AES-NULL-GMAC', 256, 4],
  ['aes-cbc', 'AES-CBC', 128, 0],
  ['aes-cbc', 'AES-CBC', 256, 0],
  ['aes-ctr', 'AES-CTR', 128, 4],
  ['aes-ctr', 'AES-CTR', 192, 4],
  ['null', 'NULL', 0, 0],
];
const INTEGRITIES: readonly (readonly [IntegrityName, string, number])[] = [
  ['hmac-sha1-96', 'HMAC-SHA1-96', 20],
  ['hmac-sha2-256-128', 'SHA2-256-128', 32],
  ['hmac-sha2-384-192', 'SHA2-384-192', 48],
  ['hmac-sha2-512-256', 'SHA2-512-256', 64],
  ['aes-cmac-96', 'AES-CMAC-96', 16],
];
const COMBINED: readonly EncryptionName[] = ['aes-gcm-16', 'aes-ccm-16', 'chacha20-poly1305', 'aes-gmac'];

/** Mode, family outside and inside, UDP encapsulation. */
interface Form {
  readonly mode: 'tunnel' | 'transport';
  readonly outer: 4 | 6;
  readonly inner: 4 | 6;
  readonly natT: boolean;
}
const FORMS: readonly Form[] = [
  { mode: 'tunnel', outer: 4, inner: 4, natT: false },
  { mode: 'tunnel', outer: 4, inner: 6, natT: false },
  { mode: 'tunnel', outer: 6, inner: 4, natT: false },
  { mode: 'tunnel', outer: 6, inner: 6, natT: false },
  { mode: 'transport', outer: 4, inner: 4, natT: false },
  { mode: 'transport', outer: 6, inner: 6, natT: false },
  { mode: 'tunnel', outer: 4, inner: 4, natT: true },
  { mode: 'tunnel', outer: 4, inner: 6, natT: true },
];

interface Choice extends Form {
  readonly protocol: 'esp' | 'ah';
  readonly encryption: (typeof ENCRYPTIONS)[number] | undefined;
  readonly integrity: (typeof INTEGRITIES)[number] | undefined;
  readonly esn: boolean;
}

/** Every encryption with every integrity that it takes, in every form, with and without ESN; and AH likewise. */
const CHOICES: readonly Choice[] = FORMS.flatMap((form) =>
  [false, true].flatMap((esn) => [
    ...ENCRYPTIONS.flatMap((encryption) =>
      (COMBINED.includes(encryption[0]) ? [undefined] : INTEGRITIES).map((integrity) => ({
        ...form,
        esn,
        protocol: 'esp' as const,
        encryption,
        integrity,
      })),
    ),
    // AH has no UDP encapsulation.
    ...(form.natT ? [] : INTEGRITIES).map((integrity) => ({
      ...form,
      esn,
      protocol: 'ah' as const,
      encryption: undefined,
      integrity,
    })),
  ]),
);

interface Combination {
  readonly label: string;
  readonly clear: Uint8Array;
  readonly sequence: number;
  readonly association: (direction: 'inbound' | 'outbound') => SecurityAssociationParameters;
  readonly ivLength: number;
  readonly outer: readonly [string, string] | null;
  readonly udp: boolean;
  readonly scapy: object;
}

/** A repeatable source of choices: the same combinations on every run. */
function chooser(seed: string) {
  let round = 0;
  const octets = (length: number) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = createHash('sha256').update(`${seed} ${round++}`).digest();
      out.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return out;
  };
  const below = (limit: number) => new DataView(octets(4).buffer).getUint32(0) % limit;
  return { octets, below };
}

function combination(choice: Choice, index: number): Combination {
  const { octets, below } = chooser(`combination ${index}`);
  const { protocol, mode, natT, esn, encryption, integrity } = choice;
  const [suite, crypt, keyBits, salt] = encryption ?? ['null', 'NULL', 0, 0];
  const [integrityName, auth, authLength] = integrity ?? [undefined, null, 0];
  const cryptKey = octets(keyBits / 8 + salt);
  const authKey = octets(authLength);
  const spi = 256 + below(0xffff0000);
  const ends =
    choice.outer === 6 ? (['2001:db8:f::1', '2001:db8:f::2'] as const) : (['192.0.2.1', '192.0.2.2'] as const);
  const outer = mode === 'tunnel' ? ends : null;
  const common = {
    tunnelId: 't',
    spi,
    mode,
    extendedSequenceNumbers: esn,
    replayWindow: 64,
    softLifetimeMilliseconds: 1e6,
    hardLifetimeMilliseconds: 1e6,
    keyingMaterial: Uint8Array.from([...cryptKey, ...authKey]),
    ...(outer === null || natT ? {} : { outer: { local: parseAddress(outer[0]), remote: parseAddress(outer[1]) } }),
  };
  return {
    label: [
      index,
      protocol,
      mode,
      `${choice.outer}/${choice.inner}`,
      crypt,
      keyBits,
      auth,
      `esn=${esn}`,
      `natT=${natT}`,
    ].join(' '),
    clear: ipPacket({
      source: choice.inner === 6 ? '2001:db8:1::1' : '10.1.0.1',
      destination: choice.inner === 6 ? '2001:db8:2::1' : '10.2.0.1',
      // 253: for experiments (RFC 3692); scapy then neither fills in nor checks a next layer checksum.
      protocol: 253,
      payload: octets(4 + below(200)),
    }),
    sequence: 1 + below(3),
    association: (direction) =>
      protocol === 'ah'
        ? { ...common, direction, protocol, integrity: integrityName ?? 'hmac-sha1-96' }
        : {
            ...common,
            direction,
            protocol,
            suite,
            keyBits,
            ...(integrityName === undefined ? {} : { integrity: integrityName }),
          },
    ivLength: espLengths({ encryption: suite, keyBits, integrity: undefined }).ivLength,
    outer,
    udp: natT,
    scapy: {
      protocol,
      spi,
      esnHigh: esn ? 0 : null,
      crypt,
      cryptKey: toHex(cryptKey),
      auth,
      authKey: toHex(authKey),
      outer,
      udp: natT,
    },
  };
}

function plane(association: SecurityAssociationParameters): DataPlane {
  const made = createDataPlane({ provider: nobleProvider, random: (out) => void out.fill(0x5a) });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any' as const, localPorts: [], remotePorts: [] };
  made.installPolicy(
    createSecurityPolicyDatabase([{ entryId: 'e', ruleId: 'r', selectors: [any], action: 'PROTECT', tunnelId: 't' }]),
  );
  made.install(association, 0);
  return made;
}

/** The packet as it would travel, with the headers that a socket would write. */
function ours({ association, clear, sequence, outer, udp: natT }: Combination): Uint8Array {
  const sender = plane(association('outbound'));
  const out = new Uint8Array(1000);
  let length = 0;
  for (let n = 0; n < sequence; n++) length = sender.protect(clear, 0, clear.length, out, 0, 1).length;
  expect(length).toBeGreaterThan(0);
  const packet = out.slice(0, length);
  if (!natT || outer === null) return packet;
  const datagram = udp(4500, 4500, 8 + length);
  datagram.set(packet, 8);
  return ipPacket({ source: outer[0], destination: outer[1], protocol: 17, payload: datagram });
}

function headersOf(packet: Uint8Array, { udp: natT }: Combination): number {
  return ((packet[0] ?? 0) >>> 4 === 6 ? 40 : 20) + (natT ? 8 : 0);
}

function ask(jobs: readonly object[]): readonly { readonly packet?: string; readonly error?: string }[] {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'scapy-peer.py');
  const input = jobs.map((job) => JSON.stringify(job)).join('\n');
  const { stdout } = spawnSync(PYTHON, [script], { ...OPTIONS, input });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { packet?: string; error?: string });
}

describe('against scapy', () => {
  it('agrees on every combination of suite, mode, families, ESN and NAT traversal, in both directions', {
    timeout: 300_000,
  }, (ctx) => {
    const reason = whyNoScapy();
    if (reason !== undefined) return ctx.skip(reason);
    const combinations = CHOICES.map(combination);
    expect(combinations.length).toBeGreaterThanOrEqual(200);
    const wires = combinations.map(ours);
    const jobs = combinations.flatMap((made, i) => {
      const wire = wires[i]!;
      const iv = headersOf(wire, made) + 8;
      const { sequence, scapy } = made;
      return [
        { ...scapy, do: 'open', sequence, packet: toHex(wire), iv: null },
        {
          ...scapy,
          do: 'protect',
          sequence,
          packet: toHex(made.clear),
          iv: made.ivLength === 0 ? null : toHex(wire.subarray(iv, iv + made.ivLength)),
        },
      ];
    });
    const answers = ask(jobs);
    expect(answers).toHaveLength(jobs.length);
    for (const [i, made] of combinations.entries()) {
      expect([made.label, answers[2 * i]]).toEqual([made.label, { packet: toHex(made.clear) }]);
      const answer = answers[2 * i + 1];
      expect([made.label, answer?.error]).toEqual([made.label, undefined]);
      const theirs = fromHex(answer?.packet ?? '');
      const wire = wires[i]!;
      // Outer headers are each one's own choice, and AH covers them; everything else is determined.
      const tunnel = made.outer !== null;
      if (!tunnel) expect([made.label, toHex(theirs)]).toEqual([made.label, toHex(wire)]);
      else if (made.association('inbound').protocol === 'esp') {
        const header = headersOf(wire, made);
        expect([made.label, toHex(theirs.subarray(header))]).toEqual([made.label, toHex(wire.subarray(header))]);
      }
      const receiver = plane(made.association('inbound'));
      const out = new Uint8Array(1000);
      const at = made.udp ? headersOf(theirs, made) : 0;
      const open = made.udp ? receiver.open.bind(receiver) : receiver.openIp.bind(receiver);
      const opened = { ...open(theirs, at, theirs.length - at, out, 0, 1) };
      expect([made.label, opened.reason]).toEqual([made.label, undefined]);
      expect(toHex(out.subarray(0, opened.length))).toBe(toHex(made.clear));
    }
  });

  it('agrees on ESP packets beyond the first 2^32 of an association', { timeout: 120_000 }, (ctx) => {
    const reason = whyNoScapy();
    if (reason !== undefined) return ctx.skip(reason);
    const subjects = CHOICES.filter(
      ({ protocol, esn, natT, mode }) => protocol === 'esp' && esn && !natT && mode === 'tunnel',
    )
      .map(combination)
      .map((made, i) => ({ ...made, high: 1 + ((i * 0x9e3779b1) >>> 1), low: (i * 0x85ebca6b) >>> 0 }));
    const jobs = subjects.map(({ scapy, clear, high, low }) => ({
      ...scapy,
      do: 'protect',
      sequence: low,
      esnHigh: high,
      packet: toHex(clear),
      iv: null,
    }));
    const answers = ask(jobs);
    for (const [i, made] of subjects.entries()) {
      expect([made.label, answers[i]?.error]).toEqual([made.label, undefined]);
      const wire = fromHex(answers[i]?.packet ?? '').subarray(headersOf(fromHex(answers[i]?.packet ?? ''), made));
      const opener = transformOf(made, 'inbound');
      const out = new Uint8Array(wire.length);
      const open = (high: number) => opener.open(wire.slice(), 0, wire.length, high, out, 0);
      expect([made.label, open(made.high)]).toEqual([made.label, true]);
      expect(toHex(out.subarray(0, made.clear.length))).toBe(toHex(made.clear));
      expect([made.label, open(made.high + 1)]).toEqual([made.label, false]);
      const again = wire.slice();
      again.set(out.subarray(0, wire.length - 8 - opener.ivLength - opener.icvLength), 8 + opener.ivLength);
      transformOf(made, 'outbound').seal(again, 0, again.length, made.high);
      expect([made.label, toHex(again)]).toEqual([made.label, toHex(wire)]);
    }
    expect(subjects.length).toBeGreaterThanOrEqual(90);
  });
});

function whyNoScapy(): string | undefined {
  const asked = 'from scapy.layers.ipsec import conf; import scapy; print(scapy.VERSION, conf.crypto_valid)';
  const { status, stdout } = spawnSync(PYTHON, ['-c', asked], OPTIONS);
  if (status !== 0) {
    return `scapy is absent: \`npm test\` as root unpacks that of Debian, or put scapy 2.6.1 or later on the PYTHONPATH of ${PYTHON}`;
  }
  const [version = '', computes] = stdout.trim().split(' ');
  if (computes !== 'True') return `scapy has nothing to compute with: ${PYTHON} needs the package cryptography`;
  // 2.5 leaves the high half of the number out of the ICV when integrity is an algorithm of its own.
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || minor >= 6 ? undefined : `scapy ${version} is too old: 2.6.1 or later is needed`;
}

function transformOf({ association }: Combination, direction: 'inbound' | 'outbound') {
  const parameters = association(direction);
  if (parameters.protocol !== 'esp') throw new Error('not ESP');
  return createEspTransform({
    provider: nobleProvider,
    random: (out) => void out.fill(0x5a),
    suite: { encryption: parameters.suite, keyBits: parameters.keyBits, integrity: parameters.integrity },
    keyingMaterial: parameters.keyingMaterial,
    extendedSequenceNumbers: parameters.extendedSequenceNumbers,
    direction,
  });
}
