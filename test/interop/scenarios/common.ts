import type { ConnectionSpec } from '../edge/connection-spec.js';
import { PEER, US } from '../network.js';

const KEY = 'correct horse battery staple';

/** Their half of it, for swanctl.conf. */
export const PSK_SECRET = `ike-1 { id-us = us.example\n id-peer = peer.example\n secret = "${KEY}" }`;

/** Ours unless a scenario says otherwise. */
export const OURS: ConnectionSpec = {
  local: US.underlay,
  remote: PEER.underlay,
  localId: 'us.example',
  remoteId: 'peer.example',
  auth: { kind: 'psk', key: KEY },
  ike: ['aes128gcm16-prfsha256-x25519'],
  esp: ['aes128gcm16'],
  localTs: ['10.1.0.0/24'],
  remoteTs: ['10.2.0.0/24'],
};

/** What of the peer's swanctl.conf a scenario may change; the rest fits OURS. */
export interface TheirChanges {
  readonly localAddresses?: string;
  readonly remoteAddresses?: string;
  readonly connection?: string;
  readonly local?: string;
  readonly remote?: string;
  readonly child?: string;
  readonly secrets?: string;
  readonly pools?: string;
  readonly authorities?: string;
  readonly ike?: string;
  readonly esp?: string;
  readonly localTs?: string;
  readonly remoteTs?: string;
}

export function swanctlConf(changes: TheirChanges = {}): string {
  return `
connections {
  interop {
    version = 2
    local_addrs = ${changes.localAddresses ?? PEER.underlay}
    remote_addrs = ${changes.remoteAddresses ?? US.underlay}
    proposals = ${changes.ike ?? OURS.ike.join(',')}
    dpd_delay = 0
    rekey_time = 0
    ${changes.connection ?? ''}
    local { ${changes.local ?? 'auth = psk\n id = peer.example'} }
    remote { ${changes.remote ?? 'auth = psk\n id = us.example'} }
    children {
      net {
        local_ts = ${changes.localTs ?? OURS.remoteTs.join(',')}
        remote_ts = ${changes.remoteTs ?? OURS.localTs.join(',')}
        esp_proposals = ${changes.esp ?? OURS.esp.join(',')}
        rekey_time = 0
        ${changes.child ?? ''}
      }
    }
  }
}
authorities { ${changes.authorities ?? ''} }
secrets { ${changes.secrets ?? PSK_SECRET} }
${changes.pools ?? ''}
`;
}
