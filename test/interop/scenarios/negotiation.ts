import { PEER6, US6 } from '../network.js';
import type { Scenario } from '../scenario.js';
import { pingBothWays } from '../traffic/traffic.js';
import { OURS, swanctlConf } from './common.js';
import { rekeyChild } from './rekey-steps.js';

const BOTH = ['us', 'peer'] as const;

/** What is agreed on when the first offer is not taken as it stands. */
export const negotiationScenarios: readonly Scenario[] = [
  {
    group: 'negotiation',
    name: 'the responder asks for another key exchange method',
    initiators: ['us'],
    ours: { ...OURS, ike: ['aes128gcm16-prfsha256-x25519-ecp256'] },
    theirs: swanctlConf({ ike: 'aes128gcm16-prfsha256-ecp256' }),
    expect: 'traffic',
    log: [/INVAL_KE/],
  },
  {
    group: 'negotiation',
    name: 'we ask for another key exchange method',
    initiators: ['peer'],
    ours: { ...OURS, ike: ['aes128gcm16-prfsha256-ecp256'] },
    theirs: swanctlConf({ ike: 'aes128gcm16-prfsha256-x25519-ecp256' }),
    expect: 'traffic',
    log: [/INVAL_KE/],
  },
  {
    group: 'negotiation',
    name: 'the last of three proposals',
    initiators: BOTH,
    ours: {
      ...OURS,
      ike: ['aes256gcm16-prfsha512-x448', 'chacha20poly1305-prfsha256-x25519', 'aes128-sha256-prfsha256-ecp384'],
      esp: ['aes256gcm16', 'chacha20poly1305', 'aes128-sha256'],
    },
    theirs: swanctlConf({ ike: 'aes128-sha256-prfsha256-ecp384', esp: 'aes128-sha256' }),
    expect: 'traffic',
  },
  {
    group: 'negotiation',
    name: 'a rekey of the Child SA with another method than the first offered',
    initiators: BOTH,
    ours: { ...OURS, esp: ['aes128gcm16-x25519-ecp256'] },
    theirs: swanctlConf({ esp: 'aes128gcm16-ecp256' }),
    expect: 'traffic',
    log: [],
    afterwards: (stage) => rekeyChild(stage, 'us'),
  },
  {
    group: 'negotiation',
    name: 'IPv6 through a tunnel between IPv6 addresses',
    initiators: BOTH,
    ours: { ...OURS, local: US6.underlay, remote: PEER6.underlay, localTs: ['fd00:1::/64'], remoteTs: ['fd00:2::/64'] },
    theirs: swanctlConf({
      localAddresses: PEER6.underlay,
      remoteAddresses: US6.underlay,
      localTs: 'fd00:2::/64',
      remoteTs: 'fd00:1::/64',
    }),
    expect: 'nothing sent',
    afterwards: ({ ends }) => pingBothWays({ us: ends.us.at(US6.host), peer: ends.peer.at(PEER6.host) }),
  },
];
