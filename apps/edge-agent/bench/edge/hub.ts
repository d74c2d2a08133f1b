import { randomBytes } from 'node:crypto';
import {
  type Bundle,
  type SecurityAssociation,
  type SecurityAssociationCommand,
  SecurityPolicyAction,
} from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { bundle, LEFT, LEFT_ID, PROFILE, RIGHT, RIGHT_ID } from '../../test/support/two-sites.js';

/** An edge with so many peers, each with a network and a policy entry of its own. `change`: what the last entry lets pass. */
export function hubBundle(tunnels: number, change: number): Bundle {
  const one = bundle(LEFT, { ...RIGHT, networks: [] }, RIGHT_ID);
  const [tunnel] = one.tunnels;
  if (tunnel === undefined) throw new Error('the bundle has a tunnel');
  const branches = Array.from({ length: tunnels }, (_, index) => index);
  return {
    ...one,
    tunnels: branches.map((index) => ({
      ...tunnel,
      tunnelId: tunnelId(index),
      peerEdgeId: peerEdgeId(index),
      peerName: `branch-${index}`,
      remote: { address: peerAddress(index), port: 4500 },
    })),
    securityPolicies: branches.map((index) => ({
      entryId: `entry-${index}`,
      ruleId: '00000000-0000-4000-8000-0000000000ff',
      action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
      tunnelId: tunnelId(index),
      selector: {
        localAddresses: [range(LEFT.networks[0] ?? '')],
        remoteAddresses: [range(network(index))],
        protocol: 6,
        localPorts: [],
        remotePorts: index === tunnels - 1 ? [{ first: 1, last: 1000 + change }] : [],
      },
    })),
    routes: branches.map(network),
  };
}

/** What such a peer has of it: one tunnel, to the hub. */
export function branchBundle(index: number): Bundle {
  const site = { underlay: peerAddress(index), gateway: '', networks: [network(index)] };
  const one = bundle(site, { ...LEFT, networks: LEFT.networks.slice(0, 1) }, LEFT_ID);
  return {
    ...one,
    securityPolicies: one.securityPolicies.map(({ selector, ...entry }) => ({
      ...entry,
      selector: selector && { ...selector, protocol: 6 },
    })),
  };
}

/** Both directions of every tunnel, in the order in which the edge takes them. */
export function associationsOf(tunnels: number): readonly SecurityAssociationCommand[] {
  return Array.from({ length: tunnels }, (_, index) => index).flatMap((index): SecurityAssociationCommand[] => [
    {
      commandId: `in ${index}`,
      step: { $case: 'installInbound', value: { associations: [association(index, 0x1000)] } },
    },
    {
      commandId: `out ${index}`,
      step: { $case: 'installOutbound', value: { associations: [association(index, 0x2000)] } },
    },
  ]);
}

function association(index: number, firstSpi: number): SecurityAssociation {
  return {
    tunnelId: tunnelId(index),
    spi: firstSpi + index,
    profile: PROFILE,
    keyingMaterial: randomBytes(36),
    peer: { address: peerAddress(index), port: 4500 },
    softLifetimeSeconds: 3600n,
    hardLifetimeSeconds: 28_800n,
  };
}

function tunnelId(index: number): string {
  return `00000000-0000-4000-8000-1${digits(index)}`;
}

export function peerEdgeId(index: number): string {
  return `00000000-0000-4000-8000-2${digits(index)}`;
}

function digits(index: number): string {
  return index.toString(16).padStart(11, '0');
}

/** On the link of the right, up to 126 of them. */
export function peerAddress(index: number): string {
  return `198.51.${100 + (index >> 7)}.${1 + (index & 127)}`;
}

function network(index: number): string {
  return `10.${2 + (index >> 8)}.${index & 255}.0/24`;
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}
