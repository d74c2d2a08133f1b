import type { ExternalPeer, Policy, Tunnel } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';
import { TUNNEL_STATES } from '../tunnels/directions.js';

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

/** What is behind a gateway, or the addresses of a host. */
export function innerAddresses({ prefixes = [], assigned = [] }: ExternalPeer): readonly string[] {
  return [...prefixes, ...assigned.map(({ address }) => address)];
}

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

/** How the tunnel with a peer is; one that there is none of in the revision in force waits for a rule, or to be published. */
export function tunnelMark(tunnel: Tunnel | undefined): { readonly tone: Tone; readonly label: string } {
  return tunnel === undefined ? { tone: 'idle', label: 'No tunnel' } : TUNNEL_STATES[tunnel.state];
}

export function tunnelOf(tunnels: readonly Tunnel[], peerId: string): Tunnel | undefined {
  return tunnels.find(({ externalPeer }) => externalPeer?.id === peerId);
}

/** The rules of the draft that name a peer. */
export function rulesNaming(
  policies: readonly Policy[],
  peerId: string,
): readonly { readonly id: string; readonly policyId: string; readonly text: string }[] {
  return policies.flatMap((policy) =>
    policy.rules
      .filter(({ sources, destinations }) =>
        [...sources, ...destinations].some((end) => end.kind === 'external_peer' && end.externalPeerId === peerId),
      )
      .map(({ id, name }) => ({ id, policyId: policy.id, text: `“${name}” of ${policy.name}` })),
  );
}
