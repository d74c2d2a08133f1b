import { randomBytes } from 'node:crypto';
import {
  type Bundle,
  EncryptionAlgorithm,
  KeyingMode,
  type Profile,
  type SecurityAssociation,
  SecurityPolicyAction,
} from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { EdgeHarness } from '../../test/support/edge-harness.js';
import { createUnderlay, OVERLAY_ADDRESSES, type PathOffer, type Underlay } from './path.js';

/** How much is installed beside the one tunnel that carries the load. */
export interface WeftScale {
  readonly tunnels: number;
  readonly policies: number;
}

/** Two edges, everything of an agent below its session with the controller: bundle, policies, associations, worker. */
export function weftPath(
  name: string,
  dataPath: 'auto' | 'portable',
  scale: WeftScale = { tunnels: 1, policies: 2 },
  workers = 1,
): PathOffer {
  return {
    name,
    unavailable: undefined,
    start: async (namespaces) => {
      const underlay = createUnderlay(namespaces, name.replaceAll(/[^a-z0-9]/g, ''));
      const { sender, receiver, ipv4 } = underlay;
      const edges = {
        sender: new EdgeHarness(namespaces, sender, 'weft0', dataPath, undefined, { workers }),
        receiver: new EdgeHarness(namespaces, receiver, 'weft0', dataPath, undefined, { workers }),
      };
      for (const side of ['sender', 'receiver'] as const) {
        namespaces.ip(underlay[side], `address add ${OVERLAY_ADDRESSES.ipv4[side]}/32 dev lo`);
        namespaces.ip(underlay[side], `address add ${OVERLAY_ADDRESSES.ipv6[side]}/128 dev lo nodad`);
        await edges[side].bundle(bundle(underlay, side, scale));
      }
      await key(edges, ipv4, scale.tunnels);
      return {
        name,
        sender,
        receiver,
        addresses: OVERLAY_ADDRESSES,
        processes: [edges.sender.pid, edges.receiver.pid],
        close: async () => {
          await Promise.all([edges.sender.stop(), edges.receiver.stop()]);
        },
      };
    },
  };
}

type Side = 'sender' | 'receiver';

function bundle(underlay: Underlay, side: Side, { tunnels, policies }: WeftScale): Bundle {
  const other = side === 'sender' ? 'receiver' : 'sender';
  const remote = { address: underlay.ipv4[other], port: PORT };
  const carried = [`${OVERLAY_ADDRESSES.ipv4[other]}/32`, `${OVERLAY_ADDRESSES.ipv6[other]}/128`];
  return {
    device: { mtu: MTU },
    underlay: { address: underlay.ipv4[side], port: PORT },
    tunnels: Array.from({ length: tunnels }, (_, index) => ({
      tunnelId: tunnelId(index),
      peerEdgeId: tunnelId(index + 1_000_000),
      peerName: `peer ${index}`,
      remote,
      keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
      profile: PROFILE,
      carries: [],
    })),
    // The policies that carry the load come last: a look-up that walked the list would show.
    securityPolicies: [
      ...Array.from({ length: policies - carried.length }, (_, index) =>
        policy(index, filler(index), tunnels === 1 ? 0 : 1 + (index % (tunnels - 1))),
      ),
      ...carried.map((prefix, index) => policy(policies + index, prefix, 0)),
    ],
    routes: carried,
    localNetworks: [],
    tunnelGroups: [],
    networkMappings: [],
    addressSets: [],
  };
}

function policy(index: number, remotePrefix: string, tunnel: number): Bundle['securityPolicies'][number] {
  const { first, last } = parsePrefix(remotePrefix).range;
  return {
    entryId: `entry-${index}`,
    ruleId: tunnelId(999),
    action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
    tunnelId: tunnelId(tunnel),
    selector: {
      localAddresses: [],
      remoteAddresses: [{ first: Buffer.from(first), last: Buffer.from(last) }],
      localPorts: [],
      remotePorts: [],
    },
  };
}

/** Networks that no load goes to. */
function filler(index: number): string {
  return `100.${64 + (index >>> 12)}.${(index >>> 4) & 255}.${(index & 15) << 4}/28`;
}

async function key(
  edges: Readonly<Record<Side, EdgeHarness>>,
  addresses: Underlay['ipv4'],
  tunnels: number,
): Promise<void> {
  const towards = (side: Side) =>
    Array.from({ length: tunnels }, (_, index) => ({
      tunnelId: tunnelId(index),
      spi: (side === 'sender' ? 0x10_0000 : 0x20_0000) + index,
      profile: PROFILE,
      keyingMaterial: randomBytes(PROFILE.keyBits / 8 + 4),
      softLifetimeSeconds: 3600n,
      hardLifetimeSeconds: 28_800n,
    }));
  const keys = { sender: towards('sender'), receiver: towards('receiver') };
  const other = { sender: 'receiver', receiver: 'sender' } as const;
  for (const kind of ['installInbound', 'installOutbound'] as const) {
    for (const side of ['sender', 'receiver'] as const) {
      const peer = { address: addresses[other[side]], port: PORT };
      const made = keys[kind === 'installInbound' ? side : other[side]];
      for (let at = 0; at < made.length; at += PER_COMMAND) {
        const associations: SecurityAssociation[] = made.slice(at, at + PER_COMMAND).map((sa) => ({ ...sa, peer }));
        await edges[side].command({ commandId: kind, step: { $case: kind, value: { associations } } });
      }
    }
  }
}

function tunnelId(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

const PROFILE: Profile = {
  encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
  keyBits: 128,
  replayWindow: 4096,
  extendedSequenceNumbers: true,
};
const PORT = 4500;
/** 1,500 octets less IPv4, UDP and ESP with AES-GCM. */
const MTU = 1436;
const PER_COMMAND = 64;
