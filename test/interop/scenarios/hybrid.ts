import type { Scenario } from '../scenario.js';
import { underTraffic } from '../traffic/traffic.js';
import { OURS, swanctlConf } from './common.js';
import { replaceChild, replaceIke } from './rekey-steps.js';

const CLASSICAL = 'aes256gcm16-prfsha384-x25519';

/** RFC 9370 with ML-KEM (draft-ietf-ipsecme-ikev2-mlkem), for a peer that has it. */
export const hybridScenarios: readonly Scenario[] = [
  ...['mlkem512', 'mlkem768', 'mlkem1024'].map(
    (kem): Scenario => hybrid(`x25519 and ${kem}`, `${CLASSICAL}-ke1_${kem}`),
  ),
  hybrid('x25519, ecp384 and mlkem768', `${CLASSICAL}-ke1_ecp384-ke2_mlkem768`),
  hybrid('mlkem768 alone', 'aes256gcm16-prfsha384-mlkem768'),
  {
    ...hybrid('a hybrid suite first and a classical one for peers without', `${CLASSICAL}-ke1_mlkem768`),
    name: 'hybrid preferred, classical in common',
    ours: { ...OURS, ike: [`${CLASSICAL}-ke1_mlkem768`, CLASSICAL] },
    theirs: swanctlConf({ ike: CLASSICAL }),
  },
  ...(['us', 'peer'] as const).flatMap((by) => [
    rekeyed(`the Child SA with FOLLOWUP_KE by ${by === 'us' ? 'us' : 'the peer'}`, (stage) => replaceChild(stage, by)),
    rekeyed(`the IKE SA with FOLLOWUP_KE by ${by === 'us' ? 'us' : 'the peer'}`, (stage) => replaceIke(stage, by)),
  ]),
];

function hybrid(name: string, ike: string, esp = 'aes256gcm16'): Scenario {
  return {
    group: 'hybrid',
    name,
    initiators: ['us', 'peer'],
    needs: 'ML_KEM_768',
    ours: { ...OURS, ike: [ike], esp: [esp] },
    theirs: swanctlConf({ ike, esp }),
    expect: 'traffic',
  };
}

function rekeyed(name: string, replace: NonNullable<Scenario['afterwards']>): Scenario {
  return {
    ...hybrid(name, `${CLASSICAL}-ke1_mlkem768`, 'aes256gcm16-x25519-ke1_mlkem768'),
    afterwards: (stage) => underTraffic(stage.ends, () => replace(stage)),
  };
}
