import type { Scenario } from '../scenario.js';
import { OURS, swanctlConf } from './common.js';
import { rekeyChild } from './rekey-steps.js';

const KEY_BITS = [128, 192, 256] as const;
const COMBINED = ['gcm8', 'gcm12', 'gcm16', 'ccm8', 'ccm12', 'ccm16'].flatMap((mode) =>
  KEY_BITS.map((bits) => `aes${bits}${mode}`),
);
const INTEGRITY = ['sha1', 'aesxcbc', 'aescmac', 'sha256', 'sha384', 'sha512'] as const;
/** Every integrity algorithm with CBC and with CTR, the key lengths going round. */
const SEPARATE = INTEGRITY.flatMap((integrity, index) => [
  `aes${KEY_BITS[index % 3]}-${integrity}`,
  `aes${KEY_BITS[(index + 1) % 3]}ctr-${integrity}`,
]);
const PRFS = ['prfsha256', 'prfsha384', 'prfsha512', 'prfsha1', 'prfaesxcbc', 'prfaescmac'] as const;

/** Each protects the IKE SA and the Child SA at once; the pseudo-random functions go round. */
export const suiteScenarios: readonly Scenario[] = [...COMBINED, 'chacha20poly1305', ...SEPARATE].map(
  (suite, index): Scenario => {
    const ike = `${suite}-${PRFS[index % PRFS.length]}-x25519`;
    return {
      group: 'suites',
      name: `IKE ${ike}, ESP ${suite}`,
      initiators: ['us', 'peer'],
      ours: { ...OURS, ike: [ike], esp: [suite] },
      theirs: swanctlConf({ ike, esp: suite }),
      expect: 'traffic',
    };
  },
);

const GROUPS = [
  'modp2048',
  'modp3072',
  'modp4096',
  'modp6144',
  'modp8192',
  'ecp256',
  'ecp384',
  'ecp521',
  'ecp224bp',
  'ecp256bp',
  'ecp384bp',
  'ecp512bp',
  'x25519',
  'x448',
] as const;

/** Each makes the keys of the IKE SA, and in a rekey those of the Child SA. */
export const groupScenarios: readonly Scenario[] = GROUPS.map((group): Scenario => {
  const ike = `aes128gcm16-prfsha256-${group}`;
  const esp = `aes128gcm16-${group}`;
  return {
    group: 'key exchange',
    name: group,
    initiators: ['us', 'peer'],
    ours: { ...OURS, ike: [ike], esp: [esp] },
    theirs: swanctlConf({ ike, esp }),
    expect: 'traffic',
    afterwards: (stage) => rekeyChild(stage, stage.initiator),
  };
});
