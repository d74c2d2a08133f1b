import { isDeepStrictEqual } from 'node:util';
import {
  type Bundle,
  Encapsulation,
  EncryptionAlgorithm,
  IntegrityAlgorithm,
  IpsecMode,
  KeyingMode,
  type Profile,
  SecurityProtocol,
  type Tunnel,
} from '@weft/contracts/southbound';
import type { CombinedMode } from '@weft/fabric-compiler';
import type { TunnelEndSpec, TunnelProfile, TunnelSpec } from '../keying/tunnel-keying.js';
import type { EdgeAssignment } from './edge-assignment.js';

/** The tunnels that both of their ends should run, by tunnel id; the ends by edge id. `keyingModes`: those with these, in place of all. */
export function tunnelSpecs(
  assignments: readonly EdgeAssignment[],
  keyingModes: readonly TunnelSpec['keyingMode'][] = ['ikev2', 'ike-less', 'controller-blind'],
): ReadonlyMap<string, TunnelSpec> {
  const byEdge = new Map(assignments.map((assignment) => [assignment.edgeId, assignment]));
  const known = new KnownEnds();
  const specs = new Map<string, TunnelSpec>();
  for (const here of assignments) {
    for (const tunnel of here.desired.bundle.tunnels) {
      if (here.edgeId > tunnel.peerEdgeId || !keyingModes.includes(keyingModeOf(tunnel))) continue;
      const there = byEdge.get(tunnel.peerEdgeId);
      const mirror = there && tunnelOf(there.desired.bundle, tunnel.tunnelId);
      const profile = known.profileOf(tunnel);
      if (mirror === undefined || profile === undefined) continue;
      const ends = [known.endOf(here.edgeId, mirror), known.endOf(tunnel.peerEdgeId, tunnel)] as const;
      specs.set(tunnel.tunnelId, { ends, keyingMode: keyingModeOf(tunnel), profile });
    }
  }
  return specs;
}

/** A tunnel with an external peer, as the bundle of our edge describes it. */
export interface ExternalTunnelSpec {
  readonly edgeId: string;
  readonly externalPeer: ExternalEnd;
}

export interface ExternalEnd {
  readonly id: string;
  readonly name: string;
  /** Null, with the port: a remote host, which comes from whatever address it has. */
  readonly address: string | null;
  readonly port: number | null;
}

/** Tunnels with external peers, by tunnel id. */
export function externalTunnelSpecs(assignments: readonly EdgeAssignment[]): ReadonlyMap<string, ExternalTunnelSpec> {
  const found = assignments.flatMap(({ edgeId, desired }) =>
    desired.bundle.tunnels
      .filter(({ externalPeer }) => externalPeer !== undefined)
      .map((tunnel) => {
        const { peerEdgeId: id, peerName: name, remote } = tunnel;
        const { address, port } = remote ?? { address: null, port: null };
        return [tunnel.tunnelId, { edgeId, externalPeer: { id, name, address, port } }] as const;
      }),
  );
  return new Map(found);
}

/** Those of which the controller makes the keys. */
export function keyedHere(specs: ReadonlyMap<string, TunnelSpec>): ReadonlyMap<string, TunnelSpec> {
  return inMode(specs, 'ike-less');
}

/** Those whose edges make the keys, by messages that the controller relays. */
export function keyedBlindly(specs: ReadonlyMap<string, TunnelSpec>): ReadonlyMap<string, TunnelSpec> {
  return inMode(specs, 'controller-blind');
}

/** Whether a bundle says of a tunnel, seen from one end, what its spec says. */
export function bundleMatchesSpec(bundle: Bundle, tunnelId: string, spec: TunnelSpec, peer: TunnelEndSpec): boolean {
  const tunnel = tunnelOf(bundle, tunnelId);
  return (
    tunnel?.remote?.address === peer.address &&
    keyingModeOf(tunnel) === spec.keyingMode &&
    tunnel.remote.port === peer.port &&
    isDeepStrictEqual(profileOf(tunnel.profile), spec.profile)
  );
}

function tunnelOf(bundle: Bundle, tunnelId: string): Tunnel | undefined {
  const known = byId.get(bundle) ?? new Map(bundle.tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
  byId.set(bundle, known);
  return known.get(tunnelId);
}

/** Each tunnel of a bundle is looked for from its other end. */
const byId = new WeakMap<Bundle, ReadonlyMap<string, Tunnel>>();

/** Every tunnel of an edge says the same of it, and most of them are protected alike: one of each is enough. */
class KnownEnds {
  readonly #ends = new Map<string, TunnelEndSpec>();
  readonly #profiles = new Map<Profile, TunnelProfile>();

  endOf(edgeId: string, seenFromPeer: Tunnel): TunnelEndSpec {
    const end = endOf(edgeId, seenFromPeer);
    const known = this.#ends.get(edgeId);
    const { name, address, port } = end;
    if (known?.name === name && known.address === address && known.port === port) return known;
    this.#ends.set(edgeId, end);
    return end;
  }

  profileOf({ profile }: Tunnel): TunnelProfile | undefined {
    if (profile === undefined) return undefined;
    const known = this.#profiles.get(profile) ?? profileOf(profile);
    if (known !== undefined) this.#profiles.set(profile, known);
    return known;
  }
}

/** An end as the tunnel of the other end describes it. */
function endOf(edgeId: string, seenFromPeer: Tunnel): TunnelEndSpec {
  const { address, port } = seenFromPeer.remote ?? { address: '', port: 0 };
  return { edgeId, name: seenFromPeer.peerName, address, port };
}

/** Their ids, of those that an edge has at least. */
export function blindTunnelIds(assignments: readonly EdgeAssignment[]): readonly string[] {
  const ids = assignments.flatMap(({ desired }) =>
    desired.bundle.tunnels
      .filter((tunnel) => keyingModeOf(tunnel) === 'controller-blind')
      .map(({ tunnelId }) => tunnelId),
  );
  return [...new Set(ids)];
}

function inMode(
  specs: ReadonlyMap<string, TunnelSpec>,
  wanted: TunnelSpec['keyingMode'],
): ReadonlyMap<string, TunnelSpec> {
  return new Map([...specs].filter(([, { keyingMode }]) => keyingMode === wanted));
}

function keyingModeOf({ keyingMode }: Tunnel): TunnelSpec['keyingMode'] {
  switch (keyingMode) {
    case KeyingMode.KEYING_MODE_IKEV2:
      return 'ikev2';
    case KeyingMode.KEYING_MODE_CONTROLLER_BLIND:
      return 'controller-blind';
    default:
      return 'ike-less';
  }
}

function profileOf(profile: Profile | undefined): TunnelProfile | undefined {
  if (profile?.protocol === SecurityProtocol.SECURITY_PROTOCOL_AH) return ahProfileOf(profile);
  const keyBits = KEY_BITS.find((bits) => bits === profile?.keyBits);
  const encryption = profile && ENCRYPTION_ALGORITHMS.get(profile.encryption);
  if (profile === undefined || keyBits === undefined || encryption === undefined) return undefined;
  const { replayWindow, extendedSequenceNumbers } = profile;
  const encapsulation = profile.encapsulation === Encapsulation.ENCAPSULATION_NONE ? 'none' : 'udp';
  const common = { replayWindow, extendedSequenceNumbers, ...modeOf(profile) };
  return { protocol: 'esp', encryption, keyBits, encapsulation, ...common };
}

function ahProfileOf(profile: Profile): TunnelProfile | undefined {
  const { integrity, replayWindow, extendedSequenceNumbers } = profile;
  if (integrity !== IntegrityAlgorithm.INTEGRITY_ALGORITHM_HMAC_SHA2_256_128) return undefined;
  const common = { replayWindow, extendedSequenceNumbers, ...modeOf(profile) };
  return { protocol: 'ah', integrity: 'hmac-sha2-256-128', ...common };
}

function modeOf({ mode }: Profile): Pick<TunnelProfile, 'mode'> {
  return mode === IpsecMode.IPSEC_MODE_TRANSPORT ? { mode: 'transport' } : {};
}

const ENCRYPTION_ALGORITHMS: ReadonlyMap<EncryptionAlgorithm, CombinedMode> = new Map([
  [EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16, 'aes-gcm-16'],
  [EncryptionAlgorithm.ENCRYPTION_ALGORITHM_CHACHA20_POLY1305, 'chacha20-poly1305'],
]);
const KEY_BITS = [128, 192, 256] as const;
