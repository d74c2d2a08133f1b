import type { ExternalPeer, ReplaceExternalPeer } from '../../api/index.js';

/** A peer as the form has it: every text as it is typed. */
export interface PeerValues {
  readonly name: string;
  readonly description: string;
  readonly siteId: string;
  readonly address: string;
  readonly port: number | string;
  readonly identity: string;
  readonly proof: 'key' | 'certificates';
  readonly localIdentity: string;
  /** Empty: as it is. */
  readonly preSharedKey: string;
  /** PEM, one after the other. */
  readonly certificates: string;
  /** One on each line. */
  readonly prefixes: string;
  readonly ikeProposals: readonly IkeProposalValues[];
  readonly espProposal: ExternalPeer['espProposal'];
}

/** With a key of its own in the list, as long as the form is open. */
export type IkeProposalValues = ExternalPeer['ikeProposals'][number] & { readonly key: number };

/** RFC 3948 section 4. */
const DEFAULT_PORT = 4500;

/** What most gateways take. */
export const USUAL_IKE_PROPOSAL = {
  keyBits: 256,
  prf: 'hmac-sha2-384',
  keyExchange: ['X25519'],
} as const satisfies { keyBits: 256; prf: string; keyExchange: readonly string[] };

/** Of a peer to change, or of a new one. */
export function peerValues(peer: ExternalPeer | undefined, siteId: string): PeerValues {
  const proposals = peer?.ikeProposals ?? [{ ...USUAL_IKE_PROPOSAL, keyExchange: [...USUAL_IKE_PROPOSAL.keyExchange] }];
  return {
    name: peer?.name ?? '',
    description: peer?.description ?? '',
    siteId: peer?.siteId ?? siteId,
    address: peer?.address ?? '',
    port: peer?.port ?? DEFAULT_PORT,
    identity: peer?.identity ?? '',
    proof: peer?.certificates === undefined ? 'key' : 'certificates',
    localIdentity: peer?.localIdentity ?? '',
    preSharedKey: '',
    certificates: (peer?.certificates ?? []).join('\n'),
    prefixes: (peer?.prefixes ?? []).join('\n'),
    ikeProposals: proposals.map((proposal, key) => ({ ...proposal, key })),
    espProposal: peer?.espProposal ?? { keyBits: 256, extendedSequenceNumbers: false, keyExchange: ['X25519'] },
  };
}

/** What the controller is asked for: that judges it. */
export function peerBody(values: PeerValues): ReplaceExternalPeer {
  const { name, description, siteId, address, port, identity, espProposal, preSharedKey } = values;
  const localIdentity = values.localIdentity.trim();
  const proof =
    values.proof === 'certificates'
      ? { certificates: certificatesIn(values.certificates) }
      : { ...(localIdentity === '' ? {} : { localIdentity }), ...(preSharedKey === '' ? {} : { preSharedKey }) };
  return {
    name: name.trim(),
    description,
    siteId,
    address: address.trim(),
    port: port === '' ? DEFAULT_PORT : Number(port),
    identity: identity.trim(),
    ...proof,
    prefixes: values.prefixes.split(/[\s,]+/).filter((prefix) => prefix !== ''),
    ikeProposals: values.ikeProposals.map(({ key: _, ...proposal }) => proposal),
    espProposal,
  };
}

/** Each certificate of a text of several; what is none stays whole, for the controller to refuse. */
function certificatesIn(text: string): string[] {
  return text
    .split(/(?<=-----END CERTIFICATE-----)/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
