import type { AddressPool, ExternalPeer, Failure, ReplaceExternalPeer } from '../../api/index.js';
import { ipVersionOf } from '../address-pools/addresses.js';

/** A peer as the form has it: every text as it is typed. */
export interface PeerValues {
  readonly name: string;
  readonly description: string;
  readonly siteId: string;
  readonly kind: 'gateway' | 'remote_host';
  /** Of a gateway. */
  readonly address: string;
  readonly port: number | string;
  readonly identity: string;
  readonly proof: 'key' | 'certificates';
  readonly localIdentity: string;
  /** Empty: as it is. */
  readonly preSharedKey: string;
  /** PEM, one after the other. */
  readonly certificates: string;
  /** Of a gateway, one on each line. */
  readonly prefixes: string;
  /** Of a remote host: the pool that it has its IPv4 address of, and which; empty: none, and the lowest that is free. */
  readonly pool4: string;
  readonly address4: string;
  readonly pool6: string;
  readonly address6: string;
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
  const assignedOf = (version: 4 | 6) => peer?.assigned?.find(({ address }) => ipVersionOf(address) === version);
  const proposals = peer?.ikeProposals ?? [{ ...USUAL_IKE_PROPOSAL, keyExchange: [...USUAL_IKE_PROPOSAL.keyExchange] }];
  return {
    name: peer?.name ?? '',
    description: peer?.description ?? '',
    siteId: peer?.siteId ?? siteId,
    kind: peer?.assigned === undefined ? 'gateway' : 'remote_host',
    address: peer?.address ?? '',
    port: peer?.port ?? DEFAULT_PORT,
    identity: peer?.identity ?? '',
    proof: peer?.certificates === undefined ? 'key' : 'certificates',
    localIdentity: peer?.localIdentity ?? '',
    preSharedKey: '',
    certificates: (peer?.certificates ?? []).join('\n'),
    prefixes: (peer?.prefixes ?? []).join('\n'),
    pool4: assignedOf(4)?.addressPoolId ?? '',
    address4: assignedOf(4)?.address ?? '',
    pool6: assignedOf(6)?.addressPoolId ?? '',
    address6: assignedOf(6)?.address ?? '',
    ikeProposals: proposals.map((proposal, key) => ({ ...proposal, key })),
    espProposal: peer?.espProposal ?? { keyBits: 256, extendedSequenceNumbers: false, keyExchange: ['X25519'] },
  };
}

/** What the controller is asked for: that judges it. */
export function peerBody(values: PeerValues): ReplaceExternalPeer {
  const { name, description, siteId, identity, espProposal, preSharedKey } = values;
  const localIdentity = values.localIdentity.trim();
  const proof =
    values.proof === 'certificates'
      ? { certificates: certificatesIn(values.certificates) }
      : { ...(localIdentity === '' ? {} : { localIdentity }), ...(preSharedKey === '' ? {} : { preSharedKey }) };
  return {
    name: name.trim(),
    description,
    siteId,
    identity: identity.trim(),
    ...proof,
    ...(values.kind === 'gateway' ? gatewayBody(values) : { assigned: assignedBody(values) }),
    ikeProposals: values.ikeProposals.map(({ key: _, ...proposal }) => proposal),
    espProposal,
  };
}

/** A remote host of a site: with an address of the first pool of each version there, whatever it had elsewhere. */
export function atSite(siteId: string, pools: readonly AddressPool[]): Partial<PeerValues> {
  const poolOf = (version: 4 | 6): string =>
    pools.find((pool) => pool.siteId === siteId && ipVersionOf(pool.prefix) === version)?.id ?? '';
  return { kind: 'remote_host', siteId, pool4: poolOf(4), address4: '', pool6: poolOf(6), address6: '' };
}

/** The refusal, with what it says about an assigned address at the field that it is of. */
export function atFields(failure: Failure, values: PeerValues): Failure {
  const versions = chosen(values).map(({ version }) => version);
  const errors = failure.errors.map((entry) => {
    const found = /^\/assigned(?:\/(\d+)(?:\/(\w+))?)?$/.exec(entry.pointer);
    if (found === null) return entry;
    const version = versions[Number(found[1] ?? 0)] ?? 4;
    return { ...entry, pointer: `/${found[2] === 'address' ? 'address' : 'pool'}${version}` };
  });
  return { ...failure, errors };
}

function gatewayBody({
  address,
  port,
  prefixes,
}: PeerValues): Pick<ReplaceExternalPeer, 'address' | 'port' | 'prefixes'> {
  return {
    address: address.trim(),
    port: port === '' ? DEFAULT_PORT : Number(port),
    prefixes: prefixes.split(/[\s,]+/).filter((prefix) => prefix !== ''),
  };
}

function assignedBody(values: PeerValues): NonNullable<ReplaceExternalPeer['assigned']> {
  return chosen(values).map(({ addressPoolId, address }) => ({
    addressPoolId,
    ...(address === '' ? {} : { address }),
  }));
}

/** The pools that a remote host has an address of, in the order of the request. */
function chosen({ pool4, address4, pool6, address6 }: PeerValues) {
  return [
    { version: 4, addressPoolId: pool4, address: address4.trim() },
    { version: 6, addressPoolId: pool6, address: address6.trim() },
  ].filter(({ addressPoolId }) => addressPoolId !== '');
}

/** Each certificate of a text of several; what is none stays whole, for the controller to refuse. */
function certificatesIn(text: string): string[] {
  return text
    .split(/(?<=-----END CERTIFICATE-----)/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
