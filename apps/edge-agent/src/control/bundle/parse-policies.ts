import { SecurityPolicyAction, type SecurityPolicy as SecurityPolicyMessage } from '@weft/contracts/southbound';
import type { Carrier, SecurityPolicy } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import { checkTransportEntry, TransportPeers } from './check-transport.js';
import { boundedText, limited, unique } from './field.js';
import type { AddressSets } from './parse-address-sets.js';
import { parseSelector } from './parse-selector.js';
import type { TunnelConfiguration, TunnelGroup, UnderlayAddress } from './verified-bundle.js';

/** What entries are held against: the rest of their bundle. */
export interface KnownToPolicies {
  readonly tunnels: ReadonlyMap<string, TunnelConfiguration>;
  readonly groups: ReadonlyMap<string, TunnelGroup>;
  readonly carriers: readonly Carrier[];
  readonly underlay: UnderlayAddress;
  readonly sets: AddressSets;
}

/** Checks the entries of the security policy database, in their order. Throws RejectionError. */
export function parsePolicies(
  messages: readonly SecurityPolicyMessage[],
  known: KnownToPolicies,
): readonly SecurityPolicy[] {
  const ids = new Set<string>();
  const transport = new TransportPeers(known);
  let ranges = 0;
  return limited('security_policies', messages, MAX_POLICIES).map((message, index): SecurityPolicy => {
    const path = `security_policies[${index}]`;
    const selector = parseSelector(`${path}.selector`, message.selector, known.sets);
    ranges += selector.localAddresses.length + selector.remoteAddresses.length;
    if (ranges > MAX_RANGES) {
      throw new RejectionError(path, 'too_many', `the entries up to this one match more than ${MAX_RANGES} ranges`);
    }
    const common = {
      entryId: unique(`${path}.entry_id`, boundedText(`${path}.entry_id`, message.entryId, MAX_TEXT), ids),
      ruleId: boundedText(`${path}.rule_id`, message.ruleId, MAX_TEXT),
      selectors: [selector],
    };
    if (message.action === SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT) {
      return parseProtect(path, message, common, known, transport);
    }
    if (message.tunnelId !== '') {
      throw new RejectionError(`${path}.tunnel_id`, 'unexpected_value', 'only PROTECT has a tunnel');
    }
    switch (message.action) {
      case SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD:
        return { ...common, action: 'DISCARD' };
      case SecurityPolicyAction.SECURITY_POLICY_ACTION_BYPASS:
        return { ...common, action: 'BYPASS' };
      default:
        throw new RejectionError(`${path}.action`, 'unsupported_value', `action ${message.action} is unknown here`);
    }
  });
}

/** It names a tunnel or a group; or none: its packets go into the one that carries their remote address. */
function parseProtect(
  path: string,
  { tunnelId }: SecurityPolicyMessage,
  common: Pick<SecurityPolicy, 'entryId' | 'ruleId' | 'selectors'>,
  { tunnels, groups, underlay }: KnownToPolicies,
  transport: TransportPeers,
): SecurityPolicy {
  if (tunnelId === '') {
    for (const selector of common.selectors) transport.checkEntry(`${path}.selector`, selector);
    return { ...common, action: 'PROTECT' };
  }
  const alternatives = groups.get(tunnelId)?.tunnelIds;
  const [preferred] = alternatives ?? [];
  if (alternatives !== undefined && preferred !== undefined) {
    return { ...common, action: 'PROTECT', tunnelId: preferred, alternatives };
  }
  const tunnel = tunnels.get(tunnelId);
  if (tunnel === undefined) {
    throw new RejectionError(
      `${path}.tunnel_id`,
      'unknown_tunnel',
      'it names no tunnel of this bundle, and no group of them',
    );
  }
  for (const selector of common.selectors) checkTransportEntry(`${path}.selector`, selector, tunnel, underlay);
  return { ...common, action: 'PROTECT', tunnelId };
}

const MAX_POLICIES = 100_000;
/** In all entries, a set counted for each that names it: so much the packet path has to look into when it takes them. */
const MAX_RANGES = 4_194_304;
const MAX_TEXT = 255;
