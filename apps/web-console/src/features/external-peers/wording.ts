import type { ExternalPeer, Group, Policy, Tunnel } from '../../api/index.js';
import { plural } from '../../lib/format-quantity.js';
import type { Tone } from '../../ui/StateMark.js';
import { tunnelState } from '../tunnels/directions.js';

type IkeProposal = ExternalPeer['ikeProposals'][number];
type EspProposal = ExternalPeer['espProposal'];

export const PRF_LABELS = {
  'hmac-sha2-256': 'HMAC-SHA-256',
  'hmac-sha2-384': 'HMAC-SHA-384',
  'hmac-sha2-512': 'HMAC-SHA-512',
} as const satisfies Record<IkeProposal['prf'], string>;

/** In the order of IANA's numbers. */
export const KEY_EXCHANGES = [
  'ECP-256',
  'ECP-384',
  'ECP-521',
  'X25519',
  'X448',
  'ML-KEM-512',
  'ML-KEM-768',
  'ML-KEM-1024',
] as const satisfies readonly IkeProposal['keyExchange'][number][];

/** `AES-256-GCM, HMAC-SHA-384, X25519 + ML-KEM-768`. */
export function ikeProposalText({ keyBits, prf, keyExchange }: IkeProposal): string {
  return `AES-${keyBits}-GCM, ${PRF_LABELS[prf]}, ${keyExchange.join(' + ')}`;
}

export function espProposalText({ keyBits, extendedSequenceNumbers, keyExchange }: EspProposal): string {
  const numbers = extendedSequenceNumbers ? 'extended sequence numbers' : 'sequence numbers of 32 bits';
  const secrecy =
    keyExchange.length === 0 ? 'rekeyed without a key exchange' : `rekeyed with ${keyExchange.join(' + ')}`;
  return `AES-${keyBits}-GCM, ${numbers}, ${secrecy}`;
}

export function proofText({ certificates = [] }: Pick<ExternalPeer, 'certificates'>): string {
  if (certificates.length === 0) return 'Pre-shared key';
  return certificates.length === 1 ? 'Pinned certificate' : `${certificates.length} pinned certificates`;
}

/** Whether a peer is a host that comes from anywhere; otherwise it is a gateway, which is at an address. */
export function isRemoteHost({ assigned }: Pick<ExternalPeer, 'assigned'>): boolean {
  return assigned !== undefined;
}

/** What a peer is, in the middle of a sentence. */
export function nounOf(peer: Pick<ExternalPeer, 'assigned'>): 'remote host' | 'gateway' {
  return isRemoteHost(peer) ? 'remote host' : 'gateway';
}

/** What is behind a gateway, or the addresses of a host. */
export function innerAddresses({ prefixes = [], assigned = [] }: ExternalPeer): readonly string[] {
  return [...prefixes, ...assigned.map(({ address }) => address)];
}

/** `2 gateways, 1 tunnel up; 5 remote hosts, 3 connected`; what there is none of is left out. */
export function peersText(peers: readonly ExternalPeer[], tunnels: readonly Tunnel[]): string {
  const hosts = peers.filter(isRemoteHost);
  const gateways = peers.filter((peer) => !isRemoteHost(peer));
  const up = (some: readonly ExternalPeer[]): number =>
    some.filter(({ id }) => tunnelOf(tunnels, id)?.state === 'up').length;
  const parts = [
    ...(gateways.length > 0 || hosts.length === 0
      ? [`${plural(gateways.length, 'gateway')}, ${plural(up(gateways), 'tunnel')} up`]
      : []),
    ...(hosts.length > 0 ? [`${plural(hosts.length, 'remote host')}, ${up(hosts)} connected`] : []),
  ];
  return parts.join('; ');
}

/** How the tunnel with a peer is; one that there is none of in the revision in force waits for a rule, or to be published. */
export function tunnelMark(tunnel: Tunnel | undefined): { readonly tone: Tone; readonly label: string } {
  return tunnel === undefined ? { tone: 'idle', label: 'No tunnel' } : tunnelState(tunnel);
}

export function tunnelOf(tunnels: readonly Tunnel[], peerId: string): Tunnel | undefined {
  return tunnels.find(({ externalPeer }) => externalPeer?.id === peerId);
}

/** The rules of the draft that name a peer, a pool that it has an address of, or a group that it is in. */
export function rulesNaming(
  policies: readonly Policy[],
  groups: readonly Group[],
  { id: peerId, assigned = [] }: Pick<ExternalPeer, 'id' | 'assigned'>,
): readonly { readonly id: string; readonly policyId: string; readonly text: string }[] {
  const pools = new Set(assigned.map(({ addressPoolId }) => addressPoolId));
  const names = (end: Policy['rules'][number]['sources'][number] | Group['members'][number]): boolean => {
    switch (end.kind) {
      case 'external_peer':
        return end.externalPeerId === peerId;
      case 'address_pool':
        return pools.has(end.addressPoolId);
      case 'group':
        return groups.find(({ id }) => id === end.groupId)?.members.some(names) ?? false;
      default:
        return false;
    }
  };
  return policies.flatMap((policy) =>
    policy.rules
      .filter(({ sources, destinations }) => [...sources, ...destinations].some(names))
      .map(({ id, name }) => ({ id, policyId: policy.id, text: `“${name}” of ${policy.name}` })),
  );
}
