import type { Direction } from '../crypto/provider.js';
import { PolicyError } from '../errors.js';
import { checkChoice, type TunnelChoice } from './carrier.js';
import { checkPeerIdentifier, type PeerName } from './peer-identity.js';
import { checkSelector, type TrafficSelector } from './selector.js';

/**
 * One ordered entry of the SPD (RFC 4301 section 4.4.1.2). A packet matches when it matches one of the selector sets.
 * `ruleId` names what the operator wrote.
 *
 * Several sets under PROTECT: IKEv2 pairs any local with any remote part, so that "users MUST NOT include multiple
 * selector sets in a single SPD entry unless the access control intent aligns with the IKE 'mix and match' semantics".
 */
export type SecurityPolicy = {
  readonly entryId: string;
  readonly ruleId: string;
  readonly selectors: readonly TrafficSelector[];
} & (
  | ({
      /** SPD-S. */
      readonly action: 'PROTECT';
      /** Fields whose value an association takes from the packet that asks for it (PFP), not from this entry. */
      readonly populateFromPacket?: readonly SelectorField[];
      /** The entry is a responder's, for the peers of these names: packets match only what it becomes for one of them. */
      readonly names?: readonly PeerName[];
    } & (
      | TunnelChoice
      /** Packets go into the tunnel that carries their remote address (Carrier), and are discarded where none does. */
      | { readonly tunnelId?: undefined; readonly alternatives?: undefined }
    ))
  | {
      readonly action: 'BYPASS';
      /** In one direction only: SPD-I (inbound) or SPD-O (outbound). Left out: both, with local and remote swapped. */
      readonly direction?: Direction;
    }
  | { readonly action: 'DISCARD'; readonly direction?: Direction }
);

/** An entry of SPD-S. */
export type ProtectPolicy = Extract<SecurityPolicy, { readonly action: 'PROTECT' }>;

/** The fields that have a PFP flag (RFC 4301 section 4.4.1.2). A port of ICMP or Mobility Header is its message type. */
export type SelectorField = 'localAddress' | 'remoteAddress' | 'protocol' | 'localPort' | 'remotePort';

/** Bits for sets of fields. */
export const SELECTOR_FIELD: Readonly<Record<SelectorField, number>> = {
  localAddress: 1,
  remoteAddress: 2,
  protocol: 4,
  localPort: 8,
  remotePort: 16,
};

/** The PFP flags of an entry as bits of SELECTOR_FIELD; 0 for every entry that is not PROTECT. */
export function populatedFields(policy: SecurityPolicy): number {
  if (policy.action !== 'PROTECT') return 0;
  return (policy.populateFromPacket ?? []).reduce((bits, field) => bits | SELECTOR_FIELD[field], 0);
}

/** Whether the entry leaves it to the remote address of each packet which tunnel it goes into. */
export function isByAddress(policy: SecurityPolicy): boolean {
  return policy.action === 'PROTECT' && policy.tunnelId === undefined;
}

/** Whether the entry is one that packets do not match (RFC 4301 section 4.4.1.1, "Name", case 1). */
export function isNamed(policy: SecurityPolicy): boolean {
  return policy.action === 'PROTECT' && policy.names !== undefined;
}

/** Throws PolicyError when an entry is malformed or one of its selector sets can match no packet. */
export function checkPolicy(policy: SecurityPolicy, path: string): void {
  const { selectors } = policy;
  if (selectors.length === 0) {
    throw new PolicyError('EMPTY_SELECTOR', `${path}.selectors`, 'an entry has at least one selector set.');
  }
  if (policy.action === 'PROTECT') {
    if (policy.tunnelId !== undefined) checkChoice(policy, path);
    else if (policy.names !== undefined) {
      throw new PolicyError(
        'NAMES_WITHOUT_TUNNEL',
        `${path}.names`,
        'who is found by name has a tunnel: name it, too.',
      );
    }
    for (const [i, name] of (policy.names ?? []).entries()) checkPeerIdentifier(name, `${path}.names[${i}]`);
  }
  const populated = populatedFields(policy);
  for (const [i, selector] of selectors.entries()) {
    checkSelector(selector, `${path}.selectors[${i}]`);
    checkPopulated(selector, populated, `${path}.selectors[${i}]`);
  }
}

function checkPopulated(selector: TrafficSelector, populated: number, path: string): void {
  const { protocol, localPorts, remotePorts } = selector;
  for (const [field, value] of [
    ['protocol', protocol],
    ['localPort', localPorts],
    ['remotePort', remotePorts],
  ] as const) {
    // RFC 4301 section 4.4.2.2: "Use of PFP=1 with an OPAQUE value is an error and SHOULD be prohibited".
    if (value === 'opaque' && (populated & SELECTOR_FIELD[field]) !== 0) {
      throw new PolicyError(
        'POPULATE_FROM_PACKET',
        path,
        `${field} is opaque: there is nothing to take from a packet.`,
      );
    }
  }
  const ports = populated & (SELECTOR_FIELD.localPort | SELECTOR_FIELD.remotePort);
  if (protocol === 'any' && ports !== 0 && (populated & SELECTOR_FIELD.protocol) === 0) {
    throw new PolicyError('POPULATE_FROM_PACKET', path, 'a port means nothing without its protocol: take both.');
  }
}
